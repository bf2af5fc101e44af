#include "source/leftovers.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "base/figures.h"
#include "postgres/sqlstate.h"
#include "source/ddl_trigger.h"

namespace freshet::source {

namespace sqlstate = postgres::sqlstate;
using postgres::Connection;
using postgres::literal;
using postgres::Rows;

namespace {

constexpr const char* on_the_primary = "the server is a standby: drop it on its primary";

Result<std::vector<Leftover>> find_slot(Connection& connection, const Names& names) {
  const SlotStatus slot = TRY(slot_status(connection, names.slot));
  if (!slot.exists) return std::vector<Leftover>();
  Leftover found{
      .kind = "replication slot",
      .name = names.slot,
      .note = fmt::format(
          "holds {} of WAL; {}", short_bytes(static_cast<double>(slot.retained_wal_bytes)),
          slot.active ? fmt::format("process {} reads it", slot.active_pid) : "nobody reads it"),
      .statement = fmt::format("SELECT pg_drop_replication_slot({})", literal(names.slot)),
      .reader_pid = slot.active_pid};
  if (slot.database.empty()) {
    found.why_not = "it is a physical slot, and Freshet makes logical ones";
  } else if (!slot.of_this_database) {
    found.why_not = "it belongs to database " + slot.database;
  } else if (slot.synced) {
    found.why_not = "it is the standby's copy of the primary's slot: drop it there";
  }
  return std::vector{std::move(found)};
}

Result<std::vector<Leftover>> find_publications(Connection& connection, const Names& names) {
  std::vector<Leftover> found;
  if (connection.server_version() < oldest_with_publications) return found;
  const Rows rows = TRY(connection.query(fmt::format(
      "SELECT pubname, pg_catalog.obj_description(oid, 'pg_publication'), "
      "pg_catalog.pg_is_in_recovery() FROM pg_catalog.pg_publication WHERE pubname IN ({}, {}) "
      "ORDER BY pubname",
      literal(names.publication), literal(names.inserts_publication))));
  for (const auto& row : rows.rows) {
    const std::string name = row[0].value_or("");
    found.push_back({.kind = "publication",
                     .name = name,
                     .note = row[1].value_or(""),
                     .statement = "DROP PUBLICATION IF EXISTS " + postgres::quoted(name),
                     .why_not = row[2] == "t" ? on_the_primary : ""});
  }
  return found;
}

// The triggers first: the function cannot go before them, nor the schema before the function.
Result<std::vector<Leftover>> find_triggers(Connection& connection, const Names& names) {
  const Rows rows = TRY(connection.query(fmt::format(
      "SELECT kind, name, 'DROP ' || pg_catalog.upper(kind) || ' IF EXISTS ' || shown, "
      "pg_catalog.pg_is_in_recovery() FROM (SELECT 1, 'event trigger', evtname::text, "
      "pg_catalog.quote_ident(evtname) FROM pg_catalog.pg_event_trigger WHERE evtname IN ({1}) "
      "UNION ALL SELECT 2, 'function', proname::text, p.oid::pg_catalog.regprocedure::text FROM "
      "pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE "
      "n.nspname = {0} AND proname = 'tell_ddl' UNION ALL SELECT 3, 'schema', nspname::text, "
      "pg_catalog.quote_ident(nspname) FROM pg_catalog.pg_namespace WHERE nspname = {0}) found "
      "(rank, kind, name, shown) ORDER BY rank, name",
      literal(names.slot), ddl_trigger_list(names))));
  std::vector<Leftover> found;
  for (const auto& row : rows.rows) {
    found.push_back({.kind = row[0].value_or(""),
                     .name = row[1].value_or(""),
                     .statement = row[2].value_or(""),
                     .why_not = row[3] == "t" ? on_the_primary : ""});
  }
  return found;
}

// Everything that Freshet creates, by kind.
using Find = Result<std::vector<Leftover>> (*)(Connection& connection, const Names& names);
constexpr auto kinds = std::to_array<Find>({
    find_slot,
    find_publications,
    find_triggers,
});

}  // namespace

Result<std::vector<Leftover>> find_leftovers(Connection& connection, const Names& names) {
  std::vector<Leftover> all;
  for (const Find find : kinds) {
    std::vector<Leftover> found =
        TRY(find(connection, names).context("look for what is left on the source"));
    std::ranges::move(found, std::back_inserter(all));
  }
  return all;
}

Result<> remove_leftover(Connection& connection, const Leftover& leftover) {
  const std::string what = fmt::format("drop {} {}", leftover.kind, leftover.name);
  if (leftover.reader_pid != 0) {
    TRY(take_over(connection, leftover.name, [](const std::string&) {
          return true;
        }).context(what));
  }
  const auto done = connection.query(leftover.statement);
  if (done.ok() || done.error().sqlstate == sqlstate::undefined_object) return {};
  return Error(done.error()).with_context(what);
}

Result<std::string> other_names(Connection& connection, const Names& names) {
  const std::string publications =
      connection.server_version() < oldest_with_publications
          ? ""
          : " UNION SELECT pubname FROM pg_catalog.pg_publication WHERE "
            "pg_catalog.obj_description(oid, 'pg_publication') LIKE 'made by freshet%' AND "
            "pubname NOT LIKE '%\\_inserts'";
  const Rows rows = TRY(connection.query(fmt::format(
      "SELECT pg_catalog.string_agg(pg_catalog.substr(name, 9), ', ' ORDER BY name) FROM (SELECT "
      "slot_name FROM pg_catalog.pg_replication_slots WHERE slot_name LIKE 'freshet\\_%' AND "
      "slot_name NOT LIKE '%\\_copy\\_%' AND database = pg_catalog.current_database(){}) found "
      "(name) WHERE name <> {}",
      publications, literal(names.slot))));
  return rows.rows.at(0)[0].value_or("");
}

}  // namespace freshet::source
