#include "snapshot/waiting.h"

#include <fmt/core.h>

namespace freshet::snapshot {

using postgres::Connection;
using postgres::Rows;

namespace {

constexpr std::size_t named_max = 5;

// A session of pg_stat_activity. What a role may not see of another is null.
constexpr const char* session =
    "'process ' || pid || ' of ' || coalesce(usename, '?') || ' (' || coalesce(nullif("
    "application_name, '') || ', ', '') || coalesce(state, '?') || ')' || coalesce(' since ' || "
    "pg_catalog.date_trunc('second', xact_start)::text, '')";

std::string joined(const Rows& rows) {
  std::string list;
  for (std::size_t i = 0; i < rows.rows.size() && i < named_max; ++i) {
    list += (i == 0 ? "" : "; ") + rows.rows[i][0].value_or("?");
  }
  if (rows.rows.size() > named_max) {
    list += fmt::format("; and {} more", rows.rows.size() - named_max);
  }
  return list;
}

}  // namespace

Result<std::string> lock_holders(Connection& connection, int pid) {
  if (connection.server_version() < 90600) return std::string();
  const Rows rows =
      TRY(connection.query(fmt::format("SELECT {} FROM pg_catalog.pg_stat_activity WHERE pid = ANY "
                                       "(pg_catalog.pg_blocking_pids({})) ORDER BY xact_start",
                                       session, pid)));
  return joined(rows);
}

Result<std::string> open_writers(Connection& connection) {
  const Rows rows = TRY(connection.query(
      fmt::format("SELECT {} FROM pg_catalog.pg_stat_activity WHERE backend_xid IS NOT NULL AND "
                  "pid <> pg_catalog.pg_backend_pid() UNION ALL "
                  "SELECT 'prepared transaction ' || gid || ' since ' || "
                  "pg_catalog.date_trunc('second', prepared)::text FROM "
                  "pg_catalog.pg_prepared_xacts",
                  session)));
  if (rows.rows.empty()) return std::string();
  return fmt::format("{} open transaction{}: {}", rows.rows.size(),
                     rows.rows.size() == 1 ? "" : "s", joined(rows));
}

}  // namespace freshet::snapshot
