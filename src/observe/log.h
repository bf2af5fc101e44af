// Logs: one line, one event, then fields. Narrow on purpose: includes nothing of its backend.
//
//   observe::warn("slot in use", {{"slot", name}, {"pid", pid}});
//
// error: somebody should look; warn: unexpected, we went on; info: a state changed; debug: for us.
// Never a row's values, never a password, never a user's query above debug.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

namespace freshet::observe {

struct Field {
  template <typename T>
  Field(std::string_view key, const T& v) : name(key) {
    if constexpr (std::is_convertible_v<T, std::string_view>) {
      value = std::string(std::string_view(v));
    } else if constexpr (std::is_same_v<T, bool>) {
      value = v ? "true" : "false";
    } else {
      value = std::to_string(v);
    }
  }
  std::string_view name;
  std::string value;
};
using Fields = std::initializer_list<Field>;

enum class Level { Debug, Info, Warn, Error };

// Once, at start. Lines go to stderr, or to `file` when given.
void start_logging(Level level, const std::string& file = {});

void debug(std::string_view event, Fields fields = {});
void info(std::string_view event, Fields fields = {});
void warn(std::string_view event, Fields fields = {});
void error(std::string_view event, Fields fields = {});

}  // namespace freshet::observe
