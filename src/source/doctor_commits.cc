// When the application's commits reach us, whether ours hold them back, and how changes of its
// schema are noticed.
#include <fmt/core.h>

#include <algorithm>

#include "postgres/ddl_message.h"
#include "source/ddl_trigger.h"
#include "source/doctor_checks.h"

namespace freshet::source {

namespace {

constexpr std::string_view own_application_name = "freshet";

// The names in synchronous_standby_names: "FIRST 2 (a, "B c", *)", "ANY 1 (…)", "a, b".
std::vector<std::string> standby_names(std::string_view setting) {
  if (const std::size_t open = setting.find('('); open != std::string_view::npos) {
    setting = setting.substr(open + 1, setting.rfind(')') - open - 1);
  }
  std::vector<std::string> names(1);
  bool quoted = false;
  for (const char c : setting) {
    if (c == '"') {
      quoted = !quoted;
    } else if (quoted || (c != ',' && c != ' ')) {
      names.back() += quoted || c < 'A' || c > 'Z' ? c : static_cast<char>(c - 'A' + 'a');
    } else if (c == ',') {
      names.emplace_back();
    }
  }
  return names;
}

}  // namespace

bool waits_for_us(std::string_view synchronous_standby_names) {
  return std::ranges::any_of(standby_names(synchronous_standby_names), [](const std::string& name) {
    return name == "*" || name == own_application_name;
  });
}

Result<> check_synchronous_standbys(Patient& patient, Findings& findings) {
  const std::string names =
      TRY(patient.ask("SELECT current_setting('synchronous_standby_names')")).text(0, 0);
  if (!waits_for_us(names)) {
    findings.fine(names.empty() ? "commits wait for no standby"
                                : "commits wait for standbys, but not for us");
    return {};
  }
  findings.warning({.message = fmt::format(
                        "synchronous_standby_names = '{}' takes us for a standby: commits may "
                        "wait for our confirmation, and hang while Freshet is stopped",
                        names),
                    .fix = "Name the standbys by their application_name instead:\n" +
                           how_to_set(patient.provider, {.name = "synchronous_standby_names",
                                                         .value = "FIRST 1 (standby_1)"})});
  return {};
}

Result<> check_synchronous_commit(Patient& patient, Findings& findings) {
  const Answer setting = TRY(patient.ask(
      "SELECT s.setting, s.source, 3 * (SELECT setting::int FROM pg_settings WHERE name = "
      "'wal_writer_delay') FROM pg_settings s WHERE s.name = 'synchronous_commit'"));
  // What a role or database sets for itself; an application may still set it in its sessions.
  const Answer overrides = TRY(patient.ask(
      "SELECT string_agg(concat_ws(' in ', CASE WHEN r.setrole <> 0 THEN 'role ' || "
      "quote_ident(pg_get_userbyid(r.setrole)) END, CASE WHEN r.setdatabase <> 0 THEN 'database ' "
      "|| quote_ident(d.datname) END), ', ') FROM pg_db_role_setting r LEFT JOIN pg_database d ON "
      "d.oid = r.setdatabase WHERE 'synchronous_commit=off' = ANY (r.setconfig) AND r.setdatabase "
      "IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))"));
  const std::string source = setting.text(0, 1);
  const bool is_global = source != "user" && source != "database" && source != "database user";
  std::string who = overrides.text(0, 0);
  if (is_global && setting.text(0, 0) == "off") who = "everybody";
  if (who.empty()) {
    findings.fine("commits are flushed before they are acknowledged, and sent at once");
    return {};
  }
  findings.warning(
      {.message = fmt::format("synchronous_commit is off for {}: such commits reach us up to {} ms "
                              "late",
                              who, setting.number(0, 2)),
       .detail =
           "PostgreSQL sends a commit only after its WAL is flushed, which then happens within "
           "three times wal_writer_delay. Nothing is lost that the source itself keeps.",
       .fix =
           "For fresher copies: ALTER ROLE … SET synchronous_commit = on; or a shorter delay:\n" +
           how_to_set(patient.provider, {.name = "wal_writer_delay", .value = "10ms"})});
  return {};
}

Result<> check_schema_changes(Patient& patient, Findings& findings) {
  const Answer answer = TRY(patient.ask(fmt::format(
      "SELECT coalesce((SELECT bool_or(pg_has_role(current_user, oid, 'member')) FROM pg_roles "
      "WHERE rolname IN ({})), false), (SELECT string_agg(evtname, ', ' ORDER BY evtname) FROM "
      "pg_event_trigger WHERE evtenabled <> 'D' AND evtevent = 'ddl_command_end')",
      providers_superusers)));
  const bool may = patient.role.superuser || answer.holds(0, 0);
  const bool told = may && patient.publishes() && !patient.standby &&
                    patient.version >= postgres::oldest_with_messages;
  const std::string present = answer.text(0, 1);
  findings.info(
      {.message = told ? "event triggers of ours can tell of changes of the schema, at once"
                       : "changes of the schema are seen by asking the catalog, every second",
       .detail = (may ? "" : "This role may make no event trigger. ") +
                 (present.empty() ? "" : "Event triggers on DDL now: " + present + ".")});
  return {};
}

}  // namespace freshet::source
