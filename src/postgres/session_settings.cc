#include "postgres/session_settings.h"

#include <fmt/core.h>

#include <array>

namespace freshet::postgres {

namespace {

constexpr auto settings = std::to_array<SessionSetting>({
    {"DateStyle", "ISO, MDY", 0},
    {"IntervalStyle", "postgres", 0},
    {"TimeZone", "UTC", 0},
    {"extra_float_digits", "3", 0},
    {"bytea_output", "hex", 0},
    {"xmloption", "content", 0},
    {"standard_conforming_strings", "on", 0},
    {"quote_all_identifiers", "off", 0},
    {"search_path", "", 0},
    {"statement_timeout", "0", 0},
    {"synchronize_seqscans", "off", 0},
    // A default of serializable, read only, deferrable would let every statement wait.
    {"default_transaction_isolation", "read committed", 0},
    {"row_security", "off", 90500},
    {"idle_in_transaction_session_timeout", "0", 90600},
    {"idle_session_timeout", "0", 140000},
    {"transaction_timeout", "0", 170000},
});

// Spaces separate the options of a startup packet.
std::string escaped(std::string_view value) {
  std::string result;
  for (const char c : value) {
    if (c == ' ' || c == '\\') result += '\\';
    result += c;
  }
  return result;
}

}  // namespace

std::span<const SessionSetting> session_settings() {
  return settings;
}

std::string startup_options(std::chrono::milliseconds lock_timeout) {
  std::string options;
  for (const SessionSetting& setting : settings) {
    if (setting.since != 0) continue;
    options += fmt::format("-c {}={} ", setting.name, escaped(setting.value));
  }
  return options + fmt::format("-c lock_timeout={}", lock_timeout.count());
}

std::string settings_since(int server_version) {
  std::string sql;
  for (const SessionSetting& setting : settings) {
    if (setting.since == 0 || server_version < setting.since) continue;
    sql += fmt::format("SET {} = {};", setting.name, setting.value);
  }
  return sql;
}

std::string patience_of_walsender(int server_version) {
  if (server_version < 120000) return {};
  return "SELECT pg_catalog.set_config('wal_sender_timeout', '60s', false) FROM "
         "pg_catalog.pg_settings WHERE name = 'wal_sender_timeout' AND setting::int BETWEEN 1 AND "
         "9999";
}

}  // namespace freshet::postgres
