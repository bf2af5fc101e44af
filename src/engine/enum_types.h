// The engine's types of enums: their values sort in the order of the labels.
//
// The engine cannot be told of a new type within a transaction, so it is told of some without
// labels when it starts, called ENUM_0, ENUM_1 and so on, and a list of labels takes the next one.
// Equal lists have the same type, and a list never leaves its type. Values are those of
// model/sortable.h; a label that is not in the list comes last.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

struct _duckdb_connection;

namespace freshet::engine {

inline constexpr std::string_view enum_alias_prefix = "ENUM_";

// All threads.
class EnumTypes {
 public:
  static constexpr std::uint32_t types_max = 256;

  // The number of the type of these labels; nothing when there are too many lists of labels.
  std::optional<std::uint32_t> type_of(const std::vector<std::string>& labels);
  // Says what views that were made before this start mean by a number. Before any query.
  void restore(std::uint32_t number, const std::vector<std::string>& labels);

  static std::string name(std::uint32_t number) {
    return std::string(enum_alias_prefix) + std::to_string(number);
  }

  // The types and their casts, which refer to this. After register_types.
  Result<> register_all(_duckdb_connection* connection);

  using Places = std::map<std::string, std::uint32_t, std::less<>>;
  // By number; null without labels.
  using Slot = std::atomic<const Places*>;

 private:
  void take(std::uint32_t number, const std::vector<std::string>& labels);

  std::mutex mutex_;
  std::map<std::vector<std::string>, std::uint32_t> numbers_;
  std::deque<Places> places_;  // what the slots point to
  std::array<Slot, types_max> slots_{};
};

}  // namespace freshet::engine
