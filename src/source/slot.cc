#include "source/slot.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/bytes.h"
#include "postgres/cell.h"
#include "postgres/sqlstate.h"

namespace freshet::source {

namespace sqlstate = postgres::sqlstate;
using postgres::Connection;
using postgres::literal;
using postgres::number;
using postgres::Rows;

namespace {

constexpr std::size_t name_bytes_max = 63;
constexpr std::string_view prefix = "freshet_";
constexpr std::string_view inserts_suffix = "_inserts";

// FNV-1a: short, and the same on every machine, because names on the source must not change.
std::uint32_t hash_of(std::string_view text) {
  std::uint32_t hash = 2166136261U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return hash;
}

Lsn lsn_of(const std::optional<std::string>& text) {
  return parse_lsn(text.value_or("")).value_or(Lsn{});
}

// Names of the WAL functions, which were other ones before 10.
struct WalFunctions {
  const char* written;
  const char* flushed;
  const char* replayed;
  const char* difference;
};

WalFunctions wal_functions(int server_version) {
  if (server_version >= 100000) {
    return {"pg_catalog.pg_current_wal_lsn()", "pg_catalog.pg_current_wal_flush_lsn()",
            "pg_catalog.pg_last_wal_replay_lsn()", "pg_catalog.pg_wal_lsn_diff"};
  }
  const char* const flushed = server_version >= 90600
                                  ? "pg_catalog.pg_current_xlog_flush_location()"
                                  : "pg_catalog.pg_current_xlog_location()";
  return {"pg_catalog.pg_current_xlog_location()", flushed,
          "pg_catalog.pg_last_xlog_replay_location()", "pg_catalog.pg_xlog_location_diff"};
}

// A position of the server that has its own on a standby.
std::string on_any_server(const char* primary, const WalFunctions& names) {
  return fmt::format("CASE WHEN pg_catalog.pg_is_in_recovery() THEN {} ELSE {} END", names.replayed,
                     primary);
}

// Whether the process that reads slot `s` waits for more WAL or for its client. While it decodes,
// it waits for its disk at most.
constexpr const char* holder_waits =
    "coalesce((SELECT a.wait_event_type IN ('Activity', 'Client') FROM "
    "pg_catalog.pg_stat_activity a WHERE a.pid = s.active_pid), false)";

// Which session reads slot `s`. 9.4 does not say: there every walsender of the database is asked.
const char* owner_of_slot(int server_version) {
  if (server_version >= 90500) return "a.pid = s.active_pid";
  return "a.pid IN (SELECT pid FROM pg_catalog.pg_stat_replication) AND a.datname = s.database";
}

}  // namespace

Names names_for(const std::string& source_name) {
  const std::size_t room = name_bytes_max - prefix.size() - inserts_suffix.size();
  std::string clean;
  for (const char c : source_name) {
    const bool kept = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    const bool upper = c >= 'A' && c <= 'Z';
    clean += kept ? c : (upper ? static_cast<char>(c - 'A' + 'a') : '_');
  }
  // Two sources must not meet in one name after their names were changed.
  if (clean != source_name || clean.size() > room) {
    const std::string hash = fmt::format("_{:06x}", hash_of(source_name) & 0xffffffU);
    clean = clean.substr(0, room - hash.size()) + hash;
  }
  const std::string name = std::string(prefix) + clean;
  return {.slot = name,
          .publication = name,
          .inserts_publication = name + std::string(inserts_suffix),
          .lease_key = static_cast<std::int32_t>(hash_of(name))};
}

Result<SlotStatus> slot_status(Connection& connection, const std::string& slot) {
  const int version = connection.server_version();
  const WalFunctions names = wal_functions(version);
  const Rows rows = TRY(
      connection
          .query(fmt::format(
              "SELECT pg_catalog.pg_is_in_recovery(), s.slot_name IS NOT NULL, active, {}, "
              "plugin, database, database = pg_catalog.current_database(), {}, {}, {}, "
              "restart_lsn, {}, greatest({}({}, restart_lsn), 0)::bigint, {}, {} "
              "FROM (SELECT 1) one LEFT JOIN pg_catalog.pg_replication_slots s ON s.slot_name = {}",
              version >= 90500 ? "coalesce(active_pid, 0)" : "0",
              version >= 130000 ? "wal_status" : "''",
              version >= 170000 ? "invalidation_reason" : "''",
              version >= 170000 ? "synced" : "false",
              version >= 90600 ? "confirmed_flush_lsn" : "NULL", names.difference,
              on_any_server(names.written, names), version >= 90600 ? holder_waits : "false",
              version >= 130000 ? "CASE WHEN safe_wal_size < 0 THEN 0 ELSE safe_wal_size END"
                                : "NULL",
              literal(slot)))
          .context("read the slot"));
  const auto& row = rows.rows.at(0);
  return SlotStatus{
      .exists = row[1] == "t",
      .active = row[2] == "t",
      .active_pid = number<int>(row[3]),
      .holder_waits = row[13] == "t",
      .plugin = row[4].value_or(""),
      .database = row[5].value_or(""),
      .of_this_database = row[6] == "t",
      .wal_status = row[7].value_or(""),
      .invalidation_reason = row[8].value_or(""),
      .synced = row[9] == "t",
      .standby = row[0] == "t",
      .restart_lsn = lsn_of(row[10]),
      .confirmed_flush_lsn = lsn_of(row[11]),
      .retained_wal_bytes = number<std::uint64_t>(row[12]),
      .safe_wal_bytes = row[14] ? std::optional(number<std::uint64_t>(row[14])) : std::nullopt};
}

Result<> take_over(Connection& connection, const std::string& slot,
                   const std::function<bool(const std::string&)>& ours) {
  // Each round waits on the server for a twentieth of a second.
  constexpr int rounds_max = 200;
  for (int round = 0; round < rounds_max; ++round) {
    const Rows rows =
        TRY(connection
                .query(fmt::format(
                    "SELECT a.pid, a.application_name, a.usename, a.client_addr FROM "
                    "pg_catalog.pg_replication_slots s LEFT JOIN pg_catalog.pg_stat_activity a "
                    "ON {} WHERE s.slot_name = {} AND s.active",
                    owner_of_slot(connection.server_version()), literal(slot)))
                .context("read the slot"));
    if (rows.rows.empty()) return {};
    const auto& owner = rows.rows.front();
    if (!ours(owner[1].value_or(""))) {
      return Error{
          .fault = Fault::Transient,
          .sqlstate = sqlstate::object_in_use,
          .message =
              fmt::format("slot {} is in use by process {} (user {}, application '{}', from {})",
                          slot, owner[0].value_or("?"), owner[2].value_or("?"),
                          owner[1].value_or("?"), owner[3].value_or("a local socket")),
          .hint = "Only one reader can use a slot. Stop the other one; this is tried again."};
    }
    if (round == 0) {
      TRY(connection.query("SELECT pg_catalog.pg_terminate_backend(" + owner[0].value_or("0") + ")")
              .context("end the walsender that holds slot " + slot));
    }
    TRY(connection.query("SELECT pg_catalog.pg_sleep(0.05)"));
  }
  return Error{
      .fault = Fault::Transient,
      .sqlstate = sqlstate::object_in_use,
      .message = fmt::format("slot {} is still held by a walsender that was told to end", slot)};
}

Result<std::chrono::milliseconds> wal_sender_timeout(Connection& connection) {
  // In the setting's unit, which is milliseconds.
  const Rows rows = TRY(connection.query(
      "SELECT setting FROM pg_catalog.pg_settings WHERE name = 'wal_sender_timeout'"));
  if (rows.rows.empty()) return std::chrono::milliseconds(0);
  return std::chrono::milliseconds(number<std::int64_t>(rows.rows.front()[0]));
}

Result<SourceClock> source_clock(Connection& connection) {
  const WalFunctions names = wal_functions(connection.server_version());
  const Rows rows =
      TRY(connection
              .query(fmt::format(
                  "SELECT {}, (extract(epoch FROM pg_catalog.clock_timestamp()) * 1000000)::bigint",
                  on_any_server(names.flushed, names)))
              .context("read the source's clock"));
  const auto& row = rows.rows.at(0);
  return SourceClock{.flushed = lsn_of(row[0]),
                     .now = Time(std::chrono::microseconds(number<std::int64_t>(row[1])))};
}

Result<> run_alone(Connection& connection, const std::string& statements) {
  const auto done = connection.query("BEGIN READ WRITE; SET LOCAL lock_timeout = '5s'; " +
                                     statements + " COMMIT");
  if (done.ok()) return {};
  ignore(connection.query("ROLLBACK"));
  return done.error();
}

}  // namespace freshet::source
