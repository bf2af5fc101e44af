// What a user says about a collection that is made by a transformation.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace freshet::transform {

// Columns of a collection that queries do not see begin so.
inline constexpr std::string_view hidden_prefix = "_freshet_";
// Whether a row is seen at all; of collections that have this column.
inline constexpr std::string_view shown_column = "_freshet_shown";

// What becomes of the collection when the transformation fails for a row.
enum class OnError : std::uint8_t {
  Reject,  // the row is kept in freshet.rejects, the collection goes on
  Stop,    // the collection stops
};

struct Definition {
  std::string sql;                                  // SELECT … FROM _input [WHERE …]
  std::vector<std::string> primary_key;             // empty: _id, or the key of the table
  std::optional<std::chrono::seconds> retention{};  // rows leave when _event_time is older
  OnError on_error = OnError::Reject;

  friend bool operator==(const Definition&, const Definition&) = default;
};

}  // namespace freshet::transform
