#include "source/ddl_trigger.h"

#include <fmt/core.h>

#include <array>
#include <string_view>

#include "observe/log.h"
#include "postgres/ddl_message.h"

namespace freshet::source {

using postgres::Connection;
using postgres::literal;
using postgres::quoted;
using postgres::Rows;

namespace {

// Temporary tables come and go all the time, and are nobody's business. Of the reasons for a
// rewrite only new values count (2: of a default for each row, 4: of an expression), and not where
// or how rows lie. Another body makes the triggers be made again.
constexpr std::string_view function_body = R"(
BEGIN
  IF TG_EVENT = 'table_rewrite' THEN
    IF pg_catalog.pg_event_trigger_table_rewrite_reason() & 6 <> 0 THEN
      PERFORM pg_catalog.pg_logical_emit_message(true, 'freshet.ddl', 'rewrite ' ||
          coalesce(pg_catalog.pg_partition_root(oid)::oid, oid)) FROM pg_catalog.pg_class
        WHERE oid = pg_catalog.pg_event_trigger_table_rewrite_oid() AND relpersistence <> 't';
    END IF;
    RETURN;
  ELSIF TG_EVENT = 'sql_drop' THEN
    PERFORM FROM pg_catalog.pg_event_trigger_dropped_objects() WHERE NOT is_temporary;
  ELSE
    PERFORM FROM pg_catalog.pg_event_trigger_ddl_commands()
      WHERE schema_name IS DISTINCT FROM 'pg_temp';
  END IF;
  IF FOUND THEN
    PERFORM pg_catalog.pg_logical_emit_message(true, 'freshet.ddl', TG_TAG);
  END IF;
EXCEPTION WHEN OTHERS THEN
  NULL;  -- no command may fail because of a message
END
)";

struct Trigger {
  std::string_view suffix;
  std::string_view event;
};
constexpr auto triggers = std::to_array<Trigger>({
    {"_ddl",
     "ddl_command_end WHEN TAG IN ('ALTER TABLE', 'CREATE TABLE', 'CREATE TABLE AS', 'SELECT "
     "INTO', "
     "'ALTER TYPE', 'ALTER DOMAIN', 'ALTER SCHEMA')"},
    {"_drop", "sql_drop"},
    {"_rewrite", "table_rewrite"},
});

std::string function_of(const Names& names) {
  return quoted(names.slot) + ".tell_ddl()";
}

std::string trigger_list(const Names& names) {
  std::string list;
  for (const std::string& name : ddl_trigger_names(names)) {
    list += (list.empty() ? "" : ", ") + literal(name);
  }
  return list;
}

// All of them, as we make them now. ALWAYS, because an application's session may be a replica's.
Result<bool> are_there(Connection& connection, const Names& names) {
  const Rows rows = TRY(connection.query(fmt::format(
      "SELECT count(*) = {} FROM pg_catalog.pg_event_trigger e JOIN pg_catalog.pg_proc p ON p.oid "
      "= "
      "e.evtfoid JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = {} AND "
      "p.proname = 'tell_ddl' AND p.prosrc = {} AND e.evtenabled = 'A' AND e.evtname IN ({})",
      triggers.size(), literal(names.slot), literal(std::string(function_body)),
      trigger_list(names))));
  return rows.rows.at(0)[0] == "t";
}

// Superusers, and roles of providers. Whoever may not is not asked to try: each attempt would be an
// error in the source's log.
Result<bool> may_make(Connection& connection) {
  const Rows rows = TRY(
      connection.query("SELECT NOT pg_catalog.pg_is_in_recovery() AND EXISTS (SELECT FROM "
                       "pg_catalog.pg_roles r WHERE "
                       "r.rolname = current_user AND r.rolsuper OR r.rolname IN ('rds_superuser', "
                       "'cloudsqlsuperuser', 'azure_pg_admin', 'neon_superuser') AND "
                       "pg_catalog.pg_has_role(current_user, r.oid, 'member'))"));
  return rows.rows.at(0)[0] == "t";
}

std::string drop_triggers(const Names& names) {
  std::string sql;
  for (const std::string& name : ddl_trigger_names(names)) {
    sql += fmt::format("DROP EVENT TRIGGER IF EXISTS {}; ", quoted(name));
  }
  return sql;
}

std::string create(const Names& names) {
  std::string sql = fmt::format(
      "CREATE SCHEMA IF NOT EXISTS {}; CREATE OR REPLACE FUNCTION {} RETURNS event_trigger "
      "LANGUAGE "
      "plpgsql SET search_path = pg_catalog AS {}; {}",
      quoted(names.slot), function_of(names), literal(std::string(function_body)),
      drop_triggers(names));
  for (const Trigger& trigger : triggers) {
    const std::string name = quoted(names.slot + std::string(trigger.suffix));
    sql += fmt::format(
        "CREATE EVENT TRIGGER {} ON {} EXECUTE FUNCTION {}; ALTER EVENT TRIGGER {} ENABLE ALWAYS; ",
        name, trigger.event, function_of(names), name);
  }
  return sql;
}

// In one transaction. A role may be read-only by default.
Result<> execute(Connection& connection, const std::string& sql) {
  const auto done =
      connection.query("BEGIN READ WRITE; SET LOCAL lock_timeout = '5s'; " + sql + "COMMIT");
  if (done.ok()) return {};
  ignore(connection.query("ROLLBACK"));
  return done.error();
}

}  // namespace

std::vector<std::string> ddl_trigger_names(const Names& names) {
  std::vector<std::string> all;
  for (const Trigger& trigger : triggers) {
    all.push_back(names.slot + std::string(trigger.suffix));
  }
  return all;
}

Result<> make_ddl_triggers(Connection& connection, const Names& names) {
  if (connection.server_version() < postgres::oldest_with_messages) return {};
  if (TRY(are_there(connection, names)) || !TRY(may_make(connection))) return {};
  const Result<> made = execute(connection, create(names));
  if (made.ok()) {
    observe::info("event triggers created", {{"schema", names.slot}});
    return {};
  }
  if (made.error().sqlstate.starts_with("08")) {
    return Error(made.error()).with_context("make event triggers");
  }
  observe::warn("event triggers cannot be made",
                {{"sqlstate", made.error().sqlstate},
                 {"reason", made.error().message},
                 {"hint",
                  "Without them the catalog is asked every second. Not to try it, set "
                  "event_trigger = false."}});
  return {};
}

Result<> drop_ddl_triggers(Connection& connection, const Names& names) {
  const Rows found = TRY(connection.query(
      "SELECT FROM pg_catalog.pg_event_trigger WHERE evtname IN (" + trigger_list(names) + ")"));
  if (found.rows.empty()) return {};
  return execute(connection,
                 fmt::format("{}DROP FUNCTION IF EXISTS {}; DROP SCHEMA IF EXISTS {}; ",
                             drop_triggers(names), function_of(names), quoted(names.slot)))
      .context("drop event triggers");
}

}  // namespace freshet::source
