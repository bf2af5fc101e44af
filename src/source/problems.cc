// What on the source makes replication impossible, and what to do about it.
#include <fmt/core.h>

#include "postgres/sqlstate.h"
#include "source/slot.h"

namespace freshet::source {

namespace sqlstate = postgres::sqlstate;
using postgres::Connection;
using postgres::Rows;

namespace {

Error problem(const char* code, std::string message, std::string hint) {
  return {.fault = Fault::Permanent,
          .sqlstate = code,
          .message = std::move(message),
          .hint = std::move(hint)};
}

std::string how_to_set_wal_level(bool rds) {
  if (rds) return "Set rds.logical_replication = 1 in the parameter group and reboot the instance.";
  return "ALTER SYSTEM SET wal_level = logical; then restart PostgreSQL.";
}

}  // namespace

Result<std::vector<Error>> blocking_problems(Connection& connection) {
  std::vector<Error> problems;
  const int version = connection.server_version();
  if (version < 100000) {
    problems.push_back(
        problem(sqlstate::feature_not_supported,
                fmt::format("the server is PostgreSQL {}", connection.parameter("server_version")),
                "Freshet needs PostgreSQL 10 or newer."));
    return problems;
  }
  const Rows rows = TRY(
      connection
          .query(
              "SELECT current_setting('wal_level') = 'logical', pg_is_in_recovery(), "
              "(SELECT count(*) FROM pg_replication_slots) < "
              "current_setting('max_replication_slots')::int, "
              "(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'walsender') < "
              "current_setting('max_wal_senders')::int, "
              "(SELECT rolsuper OR rolreplication FROM pg_roles WHERE rolname = current_user) OR "
              "coalesce((SELECT pg_has_role(current_user, oid, 'member') FROM pg_roles WHERE "
              "rolname = "
              "'rds_replication'), false), "
              "current_user, current_setting('wal_level'), "
              "current_setting('max_replication_slots'), "
              "current_setting('max_wal_senders'), "
              "EXISTS (SELECT 1 FROM pg_settings WHERE name = 'rds.logical_replication')")
          .context("check the source"));
  const auto& row = rows.rows.at(0);
  const auto text = [&](std::size_t column) { return row[column].value_or(""); };
  const auto holds = [&](std::size_t column) { return row[column] == "t"; };
  const bool rds = holds(9);

  if (!holds(0)) {
    problems.push_back(problem(sqlstate::not_in_prerequisite_state,
                               fmt::format("wal_level is {}, not logical", text(6)),
                               how_to_set_wal_level(rds)));
  }
  if (holds(1) && version < 160000) {
    problems.push_back(problem(sqlstate::not_in_prerequisite_state, "the server is a standby",
                               "Connect to the primary; standbys can be followed since 16."));
  }
  if (!holds(2)) {
    problems.push_back(problem(
        sqlstate::configuration_limit_exceeded,
        fmt::format("all {} replication slots are in use", text(7)),
        "Drop one that nobody uses (pg_replication_slots), or raise max_replication_slots and "
        "restart PostgreSQL."));
  }
  if (!holds(3)) {
    problems.push_back(problem(sqlstate::too_many_connections,
                               fmt::format("all {} WAL senders are in use", text(8)),
                               "Raise max_wal_senders and restart PostgreSQL."));
  }
  if (!holds(4)) {
    const std::string user = postgres::quoted(text(5));
    problems.push_back(problem(sqlstate::insufficient_privilege,
                               fmt::format("the role {} may not replicate", text(5)),
                               rds ? fmt::format("GRANT rds_replication TO {};", user)
                                   : fmt::format("ALTER ROLE {} REPLICATION;", user)));
  }
  return problems;
}

}  // namespace freshet::source
