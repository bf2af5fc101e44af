#include "query/settings.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "model/position.h"
#include "query/tokens.h"

namespace freshet::query {
namespace {

enum class Kind : unsigned char { Free, Fixed, Duration, Bool, Lsn, Utf8, Dates, TimeZone };

struct Known {
  std::string_view name;  // as SHOW ALL has it
  std::string_view value;
  Kind kind = Kind::Free;
  bool reported = false;  // ParameterStatus
};

// What clients ask for or set. Free: kept and shown, without effect on queries.
constexpr std::array known_settings = {
    Known{"application_name", "", Kind::Free, true},
    Known{"array_nulls", "on", Kind::Bool},
    Known{"backend_flush_after", "0"},
    Known{"block_size", "8192", Kind::Fixed},
    Known{"bytea_output", "hex", Kind::Fixed},
    Known{"client_connection_check_interval", "0"},
    Known{"client_encoding", "UTF8", Kind::Utf8, true},
    Known{"client_min_messages", "notice"},
    Known{"DateStyle", "ISO, MDY", Kind::Dates, true},
    Known{"default_tablespace", ""},
    Known{"default_text_search_config", "pg_catalog.english"},
    Known{"default_transaction_deferrable", "off", Kind::Bool},
    Known{"default_transaction_isolation", "repeatable read"},
    Known{"default_transaction_read_only", "on", Kind::Fixed},
    Known{"enable_hashjoin", "on"},
    Known{"enable_nestloop", "on"},
    Known{"enable_seqscan", "on"},
    Known{"escape_string_warning", "on"},
    Known{"extra_float_digits", "1"},
    Known{"freshet.wait_for_lsn", "", Kind::Lsn},
    Known{"freshet.wait_timeout", "10s", Kind::Duration},
    Known{"geqo", "on"},
    Known{"idle_in_transaction_session_timeout", "0", Kind::Duration},
    Known{"idle_session_timeout", "0", Kind::Duration},
    Known{"in_hot_standby", "off", Kind::Fixed, true},
    Known{"integer_datetimes", "on", Kind::Fixed, true},
    Known{"IntervalStyle", "postgres", Kind::Fixed, true},
    Known{"is_superuser", "off", Kind::Fixed, true},
    Known{"jit", "off", Kind::Bool},
    Known{"lc_collate", "C.UTF-8", Kind::Fixed},
    Known{"lc_ctype", "C.UTF-8", Kind::Fixed},
    Known{"lc_messages", "C.UTF-8"},
    Known{"lc_monetary", "C.UTF-8"},
    Known{"lc_numeric", "C.UTF-8"},
    Known{"lc_time", "C.UTF-8"},
    Known{"lock_timeout", "0", Kind::Duration},
    Known{"max_identifier_length", "63", Kind::Fixed},
    Known{"max_index_keys", "32", Kind::Fixed},
    Known{"max_parallel_workers_per_gather", "2"},
    Known{"parallel_setup_cost", "1000"},
    Known{"plan_cache_mode", "auto"},
    Known{"quote_all_identifiers", "off", Kind::Bool},
    Known{"random_page_cost", "4"},
    Known{"row_security", "on", Kind::Bool},
    Known{"search_path", "\"$user\", public"},
    Known{"server_encoding", "UTF8", Kind::Fixed, true},
    Known{"server_version", "15.0 (Freshet 0.1.0)", Kind::Fixed, true},
    Known{"server_version_num", "150000", Kind::Fixed},
    Known{"session_authorization", "", Kind::Free, true},
    Known{"session_replication_role", "origin"},
    Known{"ssl", "off", Kind::Fixed},
    Known{"standard_conforming_strings", "on", Kind::Fixed, true},
    Known{"statement_timeout", "0", Kind::Duration},
    Known{"synchronize_seqscans", "on"},
    Known{"synchronous_commit", "on"},
    Known{"TimeZone", "UTC", Kind::TimeZone, true},
    Known{"transaction_isolation", "repeatable read"},
    Known{"transaction_read_only", "on", Kind::Fixed},
    Known{"wal_level", "logical", Kind::Fixed},
    Known{"work_mem", "4MB"},
    Known{"xmloption", "content"},
};

const Known* find_known(std::string_view name) {
  const auto* found = std::ranges::find_if(
      known_settings, [&](const Known& known) { return equal_without_case(known.name, name); });
  return found == known_settings.end() ? nullptr : &*found;
}

Error invalid(const Known& known, const std::string& value, std::string hint = {}) {
  return {.sqlstate = "22023",
          .message =
              "invalid value for parameter \"" + std::string(known.name) + "\": \"" + value + "\"",
          .hint = std::move(hint)};
}

Error unknown(std::string_view name) {
  return {.sqlstate = "42704",
          .message = "unrecognized configuration parameter \"" + std::string(name) + "\""};
}

std::optional<std::string> parse_bool(const std::string& text) {
  const std::string value = lower(text);
  if (value == "on" || value == "true" || value == "yes" || value == "1" || value == "t")
    return "on";
  if (value == "off" || value == "false" || value == "no" || value == "0" || value == "f")
    return "off";
  return {};
}

bool names_utf8(const std::string& value) {
  std::string plain;
  for (const char c : lower(value)) {
    if (c != '-' && c != '_') plain.push_back(c);
  }
  return plain == "utf8" || plain == "unicode" || plain == "sqlascii" || plain == "auto";
}

// Only ISO output exists; the order of day and month is remembered for show.
std::optional<std::string> parse_date_style(const std::string& value) {
  std::string order = "MDY";
  for (const Token& token : tokenize(value)) {
    const std::string word = token.name();
    if (word == "iso" || token.is(",")) continue;
    if (word == "mdy" || word == "us" || word == "noneuro") {
      order = "MDY";
    } else if (word == "dmy" || word == "euro" || word == "european") {
      order = "DMY";
    } else if (word == "ymd") {
      order = "YMD";
    } else {
      return {};
    }
  }
  return "ISO, " + order;
}

// What is stored for `value`, or why it cannot be.
Result<std::string> checked(const Known& known, const std::string& value) {
  switch (known.kind) {
    case Kind::Free: return value;
    case Kind::Fixed:
      if (equal_without_case(value, known.value)) return std::string(known.value);
      return Error{.sqlstate = "55P02",
                   .message = "parameter \"" + std::string(known.name) + "\" cannot be changed"};
    case Kind::Duration:
      if (parse_duration(value)) return value;
      return invalid(known, value, "Examples: 500ms, 5s, 2min; a plain number is milliseconds.");
    case Kind::Bool:
      if (const auto truth = parse_bool(value)) return *truth;
      return invalid(known, value);
    case Kind::Lsn:
      if (value.empty() || parse_lsn(value)) return value;
      return invalid(known, value, "A position looks like 0/5A3F1C8.");
    case Kind::Utf8:
      if (names_utf8(value)) return std::string("UTF8");
      return invalid(known, value, "Freshet speaks UTF8 only.");
    case Kind::Dates:
      if (const auto style = parse_date_style(value)) return *style;
      return invalid(known, value, "Dates are always written in ISO style.");
    case Kind::TimeZone: return value;  // checked by whoever knows zones
  }
  return value;
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  double amount = 0;
  const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), amount);
  if (bad != std::errc() || amount < 0 || amount > 1e12) return {};
  std::string unit = lower(std::string_view(end, text.data() + text.size()));
  std::erase(unit, ' ');
  static constexpr std::array<std::pair<std::string_view, double>, 7> units = {{{"", 1},
                                                                                {"us", 0.001},
                                                                                {"ms", 1},
                                                                                {"s", 1000},
                                                                                {"min", 60e3},
                                                                                {"h", 3600e3},
                                                                                {"d", 86400e3}}};
  const auto* const found =
      std::ranges::find(units, unit, &std::pair<std::string_view, double>::first);
  if (found == units.end()) return {};
  const double milliseconds = amount * found->second;
  if (milliseconds > 1e12) return {};
  return std::chrono::milliseconds(static_cast<std::int64_t>(milliseconds));
}

Settings::Settings() {
  for (const Known& known : known_settings)
    values_.emplace(lower(known.name), Value{std::string(known.value), std::string(known.value)});
}

Result<std::string> Settings::show(std::string_view name) const {
  const auto found = values_.find(lower(name));
  if (found == values_.end()) return unknown(name);
  return found->second.value;
}

Result<> Settings::set(std::string_view name, std::optional<std::string> value) {
  const std::string key = lower(name);
  const Known* known = find_known(key);
  const auto found = values_.find(key);
  if (!known && key.find('.') == std::string::npos) return unknown(name);
  if (key.starts_with("freshet.") && !known) return unknown(name);
  if (!value) {
    if (found != values_.end()) found->second.value = found->second.default_value;
    return {};
  }
  const std::string stored = known ? TRY(checked(*known, *value)) : *value;
  if (found == values_.end()) {
    values_.emplace(key, Value{stored, ""});
  } else {
    found->second.value = stored;
  }
  return {};
}

Result<> Settings::set_default(std::string_view name, const std::string& value) {
  // Fixed ones are the server's to say: the session's user and its kin.
  const Known* known = find_known(name);
  if (known && known->kind == Kind::Fixed) return {};
  TRY(set(name, value));
  Value& kept = values_.find(lower(name))->second;
  kept.default_value = kept.value;
  return {};
}

void Settings::reset_all() {
  for (auto& [name, value] : values_) value.value = value.default_value;
}

std::vector<std::pair<std::string, std::string>> Settings::all() const {
  std::vector<std::pair<std::string, std::string>> result;
  for (const auto& [name, value] : values_) {
    const Known* known = find_known(name);
    result.emplace_back(known ? std::string(known->name) : name, value.value);
  }
  return result;
}

std::vector<std::pair<std::string, std::string>> Settings::reported() const {
  std::vector<std::pair<std::string, std::string>> result;
  for (const Known& known : known_settings) {
    if (known.reported)
      result.emplace_back(known.name, values_.find(lower(known.name))->second.value);
  }
  return result;
}

const std::string& Settings::time_zone() const {
  return values_.find("timezone")->second.value;
}

std::chrono::milliseconds Settings::statement_timeout() const {
  return parse_duration(values_.find("statement_timeout")->second.value)
      .value_or(std::chrono::milliseconds(0));
}

std::chrono::milliseconds Settings::wait_timeout() const {
  return parse_duration(values_.find("freshet.wait_timeout")->second.value)
      .value_or(std::chrono::seconds(10));
}

std::vector<std::string> Settings::search_path() const {
  std::vector<std::string> schemas;
  for (const Token& token : tokenize(values_.find("search_path")->second.value)) {
    std::string name = token.kind == TokenKind::String ? token.string_value() : token.name();
    if (!name.empty()) schemas.push_back(std::move(name));
  }
  return schemas;
}

}  // namespace freshet::query
