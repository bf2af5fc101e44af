#include "source/doctor_patient.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

namespace freshet::source {

using postgres::CatalogTable;
using postgres::Connection;

namespace {

// Roles that providers have in place of REPLICATION.
constexpr const char* replicating_roles = "'rds_replication', 'rds_superuser'";

Result<Role> read_role(const Patient& patient) {
  const Answer answer = TRY(patient.ask(fmt::format(
      "SELECT rolname, rolsuper, rolreplication OR rolsuper OR coalesce((SELECT bool_or("
      "pg_has_role(current_user, g.oid, 'member')) FROM pg_roles g WHERE g.rolname IN ({})), "
      "false), rolconnlimit FROM pg_roles WHERE rolname = current_user",
      replicating_roles)));
  Role role;
  role.name = answer.text(0, 0);
  role.superuser = answer.holds(0, 1);
  role.replication = answer.holds(0, 2);
  role.connections_max = answer.number(0, 3);
  return role;
}

}  // namespace

std::string Answer::text(std::size_t row, std::size_t column) const {
  return rows_.rows.at(row).at(column).value_or("");
}

std::int64_t Answer::number(std::size_t row, std::size_t column) const {
  const std::string digits = text(row, column);
  std::int64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

Result<Answer> Patient::ask(std::string_view sql) const {
  return Answer(TRY(connection.query(sql)));
}

// The functions had other names before 10.
std::string Patient::wal_end() const {
  return at_least(10) ? "CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE "
                        "pg_current_wal_lsn() END"
                      : "CASE WHEN pg_is_in_recovery() THEN pg_last_xlog_replay_location() ELSE "
                        "pg_current_xlog_location() END";
}

std::string_view Patient::wal_difference() const {
  return at_least(10) ? "pg_wal_lsn_diff" : "pg_xlog_location_diff";
}

std::string Patient::table_oids() const {
  std::string list;
  for (const CatalogTable& table : tables) {
    list += (list.empty() ? "" : ",") + std::to_string(value(table.schema.id));
  }
  return "'{" + list + "}'::oid[]";
}

const CatalogTable* Patient::table(std::string_view oid) const {
  const auto found = std::ranges::find_if(tables, [&](const CatalogTable& table) {
    return std::to_string(value(table.schema.id)) == oid;
  });
  return found == tables.end() ? nullptr : &*found;
}

Result<Patient> meet(Connection& connection, const std::string& url, const DoctorOptions& options) {
  Patient patient{.connection = connection, .url = url, .options = options};
  patient.names = names_for(options.source_name);
  patient.version = connection.server_version();
  patient.plugin = options.protocol.value_or(postgres::best_plugin(patient.version));
  patient.host = connection.host();
  patient.port = connection.port();
  patient.patterns = TRY(postgres::TablePatterns::parse(options.tables));
  TRY(patient.patterns.choose(options.choices));
  const Answer self = TRY(patient
                              .ask("SELECT current_database(), pg_is_in_recovery(), "
                                   "current_setting('default_transaction_read_only')::boolean")
                              .context("look at the source"));
  patient.database = self.text(0, 0);
  patient.standby = self.holds(0, 1);
  patient.reads_only = self.holds(0, 2);
  patient.role = TRY(read_role(patient).context("look at the role"));
  patient.provider = TRY(detect_provider(connection).context("find the provider"));
  if (patient.version < oldest_version) return patient;
  patient.slot = TRY(slot_status(connection, patient.names.slot));
  patient.tables = TRY(postgres::read_tables(connection, patient.patterns, patient.plugin));
  return patient;
}

Result<Activity> count_activity(const Patient& patient) {
  const Answer answer = TRY(patient.ask(
      fmt::format("SELECT {}, (SELECT sum(n_tup_ins) FROM pg_stat_sys_tables WHERE "
                  "schemaname = 'pg_catalog' AND relname IN ('pg_class', 'pg_attribute'))",
                  patient.wal_end())));
  return Activity{.since = std::chrono::steady_clock::now(),
                  .wal = parse_lsn(answer.text(0, 0)).value_or(Lsn{}),
                  .catalog_writes = answer.number(0, 1)};
}

}  // namespace freshet::source
