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
std::string function_body() {
  return fmt::format(R"(
BEGIN
  IF TG_EVENT = 'table_rewrite' THEN
    IF pg_catalog.pg_event_trigger_table_rewrite_reason() & 6 <> 0 THEN
      PERFORM pg_catalog.pg_logical_emit_message(true, '{0}', '{1}' ||
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
    PERFORM pg_catalog.pg_logical_emit_message(true, '{0}', TG_TAG);
  END IF;
EXCEPTION WHEN OTHERS THEN
  NULL;  -- no command may fail because of a message
END
)",
                     postgres::ddl_message_prefix, postgres::rewrite_word);
}

struct Trigger {
  std::string_view suffix;
  std::string_view event;
};
constexpr auto triggers = std::to_array<Trigger>({
    {"_ddl",
     "ddl_command_end WHEN TAG IN ('ALTER TABLE', 'CREATE TABLE', 'CREATE TABLE AS', "
     "'SELECT INTO', 'ALTER TYPE', 'ALTER DOMAIN', 'ALTER SCHEMA')"},
    {"_drop", "sql_drop"},
    {"_rewrite", "table_rewrite"},
});

std::string function_of(const Names& names) {
  return quoted(names.slot) + ".tell_ddl()";
}

std::string name_of(const Names& names, const Trigger& trigger) {
  return names.slot + std::string(trigger.suffix);
}

// All of them, as we make them now. ALWAYS, because an application's session may be a replica's.
Result<bool> are_there(Connection& connection, const Names& names) {
  const Rows rows = TRY(connection.query(fmt::format(
      "SELECT count(*) = {} FROM pg_catalog.pg_event_trigger e JOIN pg_catalog.pg_proc p ON "
      "p.oid = e.evtfoid JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname "
      "= {} AND "
      "p.proname = 'tell_ddl' AND p.prosrc = {} AND e.evtenabled = 'A' AND e.evtname IN ({})",
      triggers.size(), literal(names.slot), literal(function_body()), ddl_trigger_list(names))));
  return rows.rows.at(0)[0] == "t";
}

// Superusers, and roles of providers. Whoever may not is not asked to try: each attempt would be an
// error in the source's log.
Result<bool> may_make(Connection& connection) {
  const Rows rows = TRY(connection.query(fmt::format(
      "SELECT NOT pg_catalog.pg_is_in_recovery() AND EXISTS (SELECT FROM pg_catalog.pg_roles r "
      "WHERE r.rolname = current_user AND r.rolsuper OR r.rolname IN ({}) AND "
      "pg_catalog.pg_has_role(current_user, r.oid, 'member'))",
      providers_superusers)));
  return rows.rows.at(0)[0] == "t";
}

std::string drop_triggers(const Names& names) {
  std::string sql;
  for (const Trigger& trigger : triggers) {
    sql += fmt::format("DROP EVENT TRIGGER IF EXISTS {}; ", quoted(name_of(names, trigger)));
  }
  return sql;
}

std::string create(const Names& names) {
  std::string sql = fmt::format(
      "CREATE SCHEMA IF NOT EXISTS {}; CREATE OR REPLACE FUNCTION {} RETURNS event_trigger "
      "LANGUAGE plpgsql SET search_path = pg_catalog AS {}; {}",
      quoted(names.slot), function_of(names), literal(function_body()), drop_triggers(names));
  for (const Trigger& trigger : triggers) {
    const std::string name = quoted(name_of(names, trigger));
    sql += fmt::format(
        "CREATE EVENT TRIGGER {} ON {} EXECUTE FUNCTION {}; ALTER EVENT TRIGGER {} ENABLE ALWAYS; ",
        name, trigger.event, function_of(names), name);
  }
  return sql;
}

}  // namespace

std::string ddl_trigger_list(const Names& names) {
  std::string list;
  for (const Trigger& trigger : triggers) {
    list += (list.empty() ? "" : ", ") + literal(name_of(names, trigger));
  }
  return list;
}

Result<> make_ddl_triggers(Connection& connection, const Names& names) {
  if (connection.server_version() < postgres::oldest_with_messages) return {};
  if (TRY(are_there(connection, names)) || !TRY(may_make(connection))) return {};
  const Result<> made = run_alone(connection, create(names));
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
  const Rows found =
      TRY(connection.query("SELECT FROM pg_catalog.pg_event_trigger WHERE evtname IN (" +
                           ddl_trigger_list(names) + ")"));
  if (found.rows.empty()) return {};
  return run_alone(connection,
                   fmt::format("{}DROP FUNCTION IF EXISTS {}; DROP SCHEMA IF EXISTS {}; ",
                               drop_triggers(names), function_of(names), quoted(names.slot)))
      .context("drop event triggers");
}

}  // namespace freshet::source
