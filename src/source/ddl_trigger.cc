#include "source/ddl_trigger.h"

#include <fmt/core.h>

#include <string>

#include "observe/log.h"
#include "postgres/sqlstate.h"

namespace freshet::source {

namespace sqlstate = postgres::sqlstate;
using postgres::Connection;
using postgres::literal;
using postgres::quoted;
using postgres::Rows;

namespace {

// The same for every Freshet: a look too many costs little.
constexpr std::string_view message_prefix = "freshet.ddl";

// Temporary tables come and go all the time, and are nobody's business.
constexpr std::string_view function_body = R"(
BEGIN
  IF TG_EVENT = 'sql_drop' THEN
    PERFORM FROM pg_catalog.pg_event_trigger_dropped_objects() WHERE NOT is_temporary;
  ELSE
    PERFORM FROM pg_catalog.pg_event_trigger_ddl_commands() WHERE schema_name <> 'pg_temp' OR schema_name IS NULL;
  END IF;
  IF FOUND THEN
    PERFORM pg_catalog.pg_logical_emit_message(true, 'freshet.ddl', TG_TAG);
  END IF;
EXCEPTION WHEN OTHERS THEN
  NULL;  -- no command may fail because of a message
END
)";

constexpr std::string_view tags =
    "'ALTER TABLE', 'CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TYPE', "
    "'ALTER DOMAIN', 'ALTER SCHEMA'";

struct TriggerNames {
  std::string on_command;
  std::string on_drop;
};

std::string schema_of(const Names& names) {
  return quoted(names.slot);
}

std::string function_of(const Names& names) {
  return schema_of(names) + ".tell_ddl";
}

Result<bool> are_there(Connection& connection, const Names& names) {
  // A changed function is made again; ALWAYS, because a session may be a replica's.
  const Rows rows = TRY(connection.query(fmt::format(
      "SELECT count(*) = 2 FROM pg_catalog.pg_event_trigger e JOIN pg_catalog.pg_proc p ON p.oid = "
      "e.evtfoid JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = {} AND "
      "p.proname = 'tell_ddl' AND p.prosrc = {} AND e.evtenabled = 'A' AND e.evtname IN ({}, {})",
      literal(names.slot), literal(std::string(function_body)), literal(names.ddl_trigger),
      literal(names.drop_trigger))));
  return rows.rows.at(0)[0] == "t";
}

// Roles of providers that may, beside superusers. Whoever may not is not asked to try: each attempt
// would be an error in the source's log.
Result<bool> may_make(Connection& connection) {
  const Rows rows = TRY(connection.query(
      "SELECT NOT pg_catalog.pg_is_in_recovery() AND (SELECT r.rolsuper FROM pg_catalog.pg_roles r "
      "WHERE r.rolname = current_user) OR EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE "
      "r.rolname IN ('rds_superuser', 'cloudsqlsuperuser', 'azure_pg_admin', 'neon_superuser') AND "
      "pg_catalog.pg_has_role(current_user, r.oid, 'member') AND NOT "
      "pg_catalog.pg_is_in_recovery())"));
  return rows.rows.at(0)[0] == "t";
}

std::string drop_triggers(const Names& names) {
  return fmt::format("DROP EVENT TRIGGER IF EXISTS {}; DROP EVENT TRIGGER IF EXISTS {}",
                     quoted(names.ddl_trigger), quoted(names.drop_trigger));
}

std::string create(const Names& names) {
  std::string sql = fmt::format(
      "CREATE SCHEMA IF NOT EXISTS {}; CREATE OR REPLACE FUNCTION {}() RETURNS event_trigger "
      "LANGUAGE plpgsql SET search_path = pg_catalog AS {}; {}",
      schema_of(names), function_of(names), literal(std::string(function_body)),
      drop_triggers(names));
  const auto add = [&](const std::string& name, std::string_view event) {
    sql += fmt::format(
        "; CREATE EVENT TRIGGER {} ON {} EXECUTE FUNCTION {}(); ALTER EVENT TRIGGER "
        "{} ENABLE ALWAYS",
        quoted(name), event, function_of(names), quoted(name));
  };
  add(names.ddl_trigger, fmt::format("ddl_command_end WHEN TAG IN ({})", tags));
  add(names.drop_trigger, "sql_drop");
  return sql;
}

// In one transaction. A role may be read-only by default.
Result<> execute(Connection& connection, const std::string& sql) {
  const auto done =
      connection.query("BEGIN READ WRITE; SET LOCAL lock_timeout = '5s'; " + sql + "; COMMIT");
  if (done.ok()) return {};
  ignore(connection.query("ROLLBACK"));
  return done.error();
}

}  // namespace

Result<bool> make_ddl_triggers(Connection& connection, const Names& names) {
  if (connection.server_version() < oldest_with_messages) return false;
  if (TRY(are_there(connection, names))) return true;
  if (!TRY(may_make(connection))) return false;
  const Result<> made = execute(connection, create(names));
  if (made.ok()) {
    observe::info("event triggers created", {{"name", names.ddl_trigger}});
    return true;
  }
  if (made.error().fault == Fault::Transient && made.error().sqlstate.starts_with("08")) {
    return Error(made.error()).with_context("make event triggers");
  }
  observe::warn("event triggers cannot be made",
                {{"sqlstate", made.error().sqlstate},
                 {"reason", made.error().message},
                 {"hint",
                  "Nothing is missed without them: the catalog is asked every second. To "
                  "not try it, set event_trigger = false."}});
  return false;
}

Result<> drop_ddl_triggers(Connection& connection, const Names& names) {
  const Rows found = TRY(connection.query(
      fmt::format("SELECT FROM pg_catalog.pg_event_trigger WHERE evtname IN ({}, {})",
                  literal(names.ddl_trigger), literal(names.drop_trigger))));
  if (found.rows.empty()) return {};
  return execute(connection,
                 fmt::format("{}; DROP FUNCTION IF EXISTS {}(); DROP SCHEMA IF EXISTS {}",
                             drop_triggers(names), function_of(names), schema_of(names)))
      .context("drop event triggers");
}

bool is_told_by_trigger(ByteReader message) {
  message.big<std::uint8_t>();   // flags
  message.big<std::uint64_t>();  // where it was written
  return message.text_to_nul() == message_prefix && message.ok();
}

}  // namespace freshet::source
