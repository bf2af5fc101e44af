// The settings of a session: those PostgreSQL's clients set and show, and our own.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace freshet::query {

class Settings {
 public:
  Settings();

  // The value as SHOW prints it. 42704 when there is no such setting.
  Result<std::string> show(std::string_view name) const;
  // Nothing as a value: back to the default. 22023 for a value that is none, 55P02 for a setting
  // that cannot be changed, 42704 for an unknown one without a dot in its name.
  Result<> set(std::string_view name, std::optional<std::string> value);
  // What the client asked for in its start-up packet becomes the default.
  Result<> set_default(std::string_view name, const std::string& value);
  void reset_all();

  // Every setting with its value, in order of name.
  std::vector<std::pair<std::string, std::string>> all() const;
  // Those a client is told at start and whenever they change, with the spelling it expects.
  std::vector<std::pair<std::string, std::string>> reported() const;

  const std::string& time_zone() const;
  std::chrono::milliseconds statement_timeout() const;  // zero: none
  std::chrono::milliseconds wait_timeout() const;       // freshet.wait_timeout
  std::vector<std::string> search_path() const;         // schema names

 private:
  struct Value {
    std::string value;
    std::string default_value;
  };
  std::map<std::string, Value, std::less<>> values_;  // by lower-case name
};

// "10s", "500ms", "2min", "1500" (milliseconds).
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

}  // namespace freshet::query
