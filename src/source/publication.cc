// The publications of a source: made, and altered in place, so that the stream never pauses.
#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/failpoint.h"
#include "observe/log.h"
#include "postgres/sqlstate.h"
#include "source/slot.h"

namespace freshet::source {

namespace sqlstate = postgres::sqlstate;
using postgres::CatalogTable;
using postgres::Connection;
using postgres::literal;
using postgres::Rows;

namespace {

using Tables = std::map<std::string, std::string>;  // oid → quoted name

struct Publication {
  std::string name;
  std::string actions;
  Tables wanted;
};

struct Current {
  bool exists = false;
  bool settings_fit = false;
  Tables tables;
};

std::string quoted_name(std::string_view schema, std::string_view name) {
  return postgres::quoted(schema) + '.' + postgres::quoted(name);
}

// ONLY, because the children of an inheriting table are listed themselves when they match.
std::string table_list(const Tables& tables) {
  std::string list;
  for (const auto& [oid, name] : tables) list += (list.empty() ? "ONLY " : ", ONLY ") + name;
  return list;
}

Tables without(const Tables& tables, const Tables& others) {
  Tables rest = tables;
  std::erase_if(rest, [&](const auto& entry) { return others.contains(entry.first); });
  return rest;
}

std::vector<std::string> oids_of(const Tables& tables) {
  std::vector<std::string> oids;
  for (const auto& [oid, name] : tables) oids.push_back(oid);
  return oids;
}

std::string settings(const Publication& publication, int server_version) {
  return fmt::format("publish = {}{}{}", literal(publication.actions),
                     server_version >= 130000 ? ", publish_via_partition_root = true" : "",
                     server_version >= 180000 ? ", publish_generated_columns = stored" : "");
}

Result<Current> read_current(Connection& connection, const Publication& publication) {
  const int version = connection.server_version();
  const Rows rows = TRY(connection.query(fmt::format(
      "SELECT puballtables, concat_ws(', ', CASE WHEN pubinsert THEN 'insert' END, "
      "CASE WHEN pubupdate THEN 'update' END, CASE WHEN pubdelete THEN 'delete' END{}), {}{} "
      "FROM pg_catalog.pg_publication WHERE pubname = {}",
      version >= 110000 ? ", CASE WHEN pubtruncate THEN 'truncate' END" : "",
      version >= 130000 ? "pubviaroot" : "true", version >= 180000 ? " AND pubgencols = 's'" : "",
      literal(publication.name))));
  if (rows.rows.empty()) return Current{};
  const auto& row = rows.rows.front();
  if (row[0] == "t") {
    return Error{.sqlstate = sqlstate::not_in_prerequisite_state,
                 .message = fmt::format("publication {} is FOR ALL TABLES", publication.name),
                 .hint =
                     "Drop it: it makes UPDATE fail on tables without a key. Freshet makes its "
                     "own."};
  }
  Current current{
      .exists = true, .settings_fit = row[1] == publication.actions && row[2] == "t", .tables = {}};
  const Rows members = TRY(connection.query(
      "SELECT c.oid, n.nspname, c.relname FROM pg_catalog.pg_publication p "
      "JOIN pg_catalog.pg_publication_rel r ON r.prpubid = p.oid "
      "JOIN pg_catalog.pg_class c ON c.oid = r.prrelid "
      "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE p.pubname = " +
      literal(publication.name)));
  for (const auto& member : members.rows) {
    current.tables[member[0].value_or("")] =
        quoted_name(member[1].value_or(""), member[2].value_or(""));
  }
  return current;
}

// One statement in its own transaction, so that two never deadlock with the application's DDL.
Result<> execute(Connection& connection, const std::string& statement) {
  FAILPOINT("publication.change.before");
  constexpr int attempts_max = 6;
  for (int attempt = 1;; ++attempt) {
    const Result<> done = run_alone(connection, statement + ";");
    if (done.ok()) {
      FAILPOINT("publication.change.after");
      return {};
    }
    const Error& error = done.error();
    const bool lock = error.sqlstate == sqlstate::lock_not_available ||
                      error.sqlstate == sqlstate::deadlock_detected;
    if (lock && attempt < attempts_max) {
      observe::warn("publication waits for a lock",
                    {{"attempt", attempt}, {"attempts_max", attempts_max}});
      continue;
    }
    Error failed = error;
    if (failed.sqlstate == sqlstate::insufficient_privilege) {
      constexpr std::size_t shown_max = 1000;
      failed.hint = "Somebody who owns the tables can run it: " + statement.substr(0, shown_max);
    }
    return failed;
  }
}

std::string create(const Publication& publication, int server_version) {
  const std::string tables =
      publication.wanted.empty() ? "" : " FOR TABLE " + table_list(publication.wanted);
  return fmt::format("CREATE PUBLICATION {}{} WITH ({})", postgres::quoted(publication.name),
                     tables, settings(publication, server_version));
}

std::string alter(const Publication& publication, std::string_view change) {
  return fmt::format("ALTER PUBLICATION {} {}", postgres::quoted(publication.name), change);
}

// What is to be published where.
std::vector<Publication> wanted_publications(const Names& names,
                                             const std::vector<CatalogTable>& tables,
                                             int server_version) {
  // TRUNCATE is published since 11.
  const std::string truncate = server_version >= 110000 ? ", truncate" : "";
  std::vector<Publication> publications{
      {names.publication, "insert, update, delete" + truncate, {}},
      {names.inserts_publication, "insert" + truncate, {}}};
  for (const CatalogTable& table : tables) {
    if (!table.why_not.empty()) continue;
    const bool inserts_only = table.schema.identity == Identity::None;
    publications[inserts_only ? 1 : 0].wanted[std::to_string(value(table.schema.id))] =
        quoted_name(table.schema.schema, table.schema.name);
  }
  return publications;
}

}  // namespace

Result<std::vector<PublicationStep>> plan_publications(Connection& connection, const Names& names,
                                                       const std::vector<CatalogTable>& tables) {
  const int version = connection.server_version();
  const auto publications = wanted_publications(names, tables, version);
  std::vector<PublicationStep> steps;
  // First everything is added, then taken away: a table that moves from one publication to the
  // other is in both for a moment, and no change of it is missed.
  std::vector<Current> before;
  for (const Publication& publication : publications) {
    before.push_back(TRY(read_current(connection, publication)
                             .context("publish the tables in " + publication.name)));
    const Current& current = before.back();
    if (!current.exists) {
      steps.push_back({.publication = publication.name,
                       .creates = true,
                       .statement = create(publication, version),
                       .added = oids_of(publication.wanted)});
      continue;
    }
    if (!current.settings_fit) {
      steps.push_back(
          {.publication = publication.name,
           .statement = alter(publication, "SET (" + settings(publication, version) + ')')});
    }
    const Tables missing = without(publication.wanted, current.tables);
    if (missing.empty()) continue;
    steps.push_back({.publication = publication.name,
                     .statement = alter(publication, "ADD TABLE " + table_list(missing)),
                     .added = oids_of(missing)});
  }
  for (std::size_t i = 0; i < publications.size(); ++i) {
    const Tables extra = without(before[i].tables, publications[i].wanted);
    if (extra.empty()) continue;
    steps.push_back({.publication = publications[i].name,
                     .statement = alter(publications[i], "DROP TABLE " + table_list(extra))});
  }
  return steps;
}

Result<> publish(Connection& connection, const Names& names,
                 const std::vector<CatalogTable>& tables) {
  const std::vector<PublicationStep> steps = TRY(plan_publications(connection, names, tables));
  for (const PublicationStep& step : steps) {
    TRY(execute(connection, step.statement).context("publish the tables in " + step.publication));
    if (step.creates) observe::info("publication created", {{"name", step.publication}});
  }
  return {};
}

Result<> publish_again(Connection& connection, const Names& names,
                       std::span<const TableId> tables) {
  for (const Publication& publication :
       wanted_publications(names, {}, connection.server_version())) {
    const Current current = TRY(read_current(connection, publication));
    const auto here = std::ranges::find_if(tables, [&](TableId table) {
      return current.tables.contains(std::to_string(value(table)));
    });
    if (here == tables.end()) continue;
    const Tables one{*current.tables.find(std::to_string(value(*here)))};
    TRY(execute(connection, alter(publication, "DROP TABLE " + table_list(one)) + "; " +
                                alter(publication, "ADD TABLE " + table_list(one)))
            .context("publish a table in " + publication.name + " again"));
  }
  return {};
}

Result<> may_change_publications(Connection& connection, const Names& names) {
  const Rows rows = TRY(connection.query(
      fmt::format("SELECT p.pubname, pg_catalog.pg_get_userbyid(p.pubowner), current_user FROM "
                  "pg_catalog.pg_publication p WHERE p.pubname IN ({}, {}) AND NOT "
                  "pg_catalog.pg_has_role(p.pubowner, 'USAGE')",
                  literal(names.publication), literal(names.inserts_publication))));
  if (rows.rows.empty()) return {};
  const auto& row = rows.rows.front();
  const std::string publication = row[0].value_or("");
  return Error{
      .sqlstate = sqlstate::insufficient_privilege,
      .message = fmt::format("publication {} belongs to {}", publication, row[1].value_or("")),
      .hint = fmt::format("Run on the source: ALTER PUBLICATION {} OWNER TO {};",
                          postgres::quoted(publication), postgres::quoted(row[2].value_or("")))};
}

}  // namespace freshet::source
