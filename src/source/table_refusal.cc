#include "source/table_refusal.h"

#include <fmt/core.h>

#include "postgres/sqlstate.h"

namespace freshet::source {

namespace sqlstate = postgres::sqlstate;
using postgres::CatalogTable;
using postgres::Connection;
using postgres::Rows;

namespace {

constexpr const char* wrong_object_type = "42809";

// What pg_class says of something that is no table to be mirrored.
std::string kind_of(const std::string& relkind, bool temporary) {
  if (relkind == "v") return "a view";
  if (relkind == "m") return "a materialized view";
  if (relkind == "f") return "a foreign table";
  if (relkind == "S") return "a sequence";
  if (relkind == "i" || relkind == "I") return "an index";
  if (relkind == "c") return "a composite type";
  return temporary ? "a temporary table" : "a system table";
}

std::string text_of(const std::optional<std::string>& value) {
  return value.value_or("");
}

}  // namespace

Error why_no_table(Connection& connection, const std::string& pattern) {
  Error none{.sqlstate = sqlstate::undefined_table,
             .message = fmt::format("no table of the source is called {}", pattern),
             .hint =
                 "Patterns look like public.orders or app.*; a name without a schema means "
                 "public."};
  const auto wanted = postgres::TablePatterns::parse({pattern});
  if (!wanted.ok()) return wanted.error();
  const bool partitions = connection.server_version() >= 100000;
  const auto rows = connection.query(fmt::format(
      "SELECT n.nspname, c.relname, c.relkind, c.relpersistence = 't', {} "
      "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
      "ORDER BY n.nspname, c.relname",
      partitions ? "CASE WHEN c.relispartition THEN (SELECT i.inhparent::regclass::text FROM "
                   "pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid LIMIT 1) END"
                 : "NULL"));
  if (!rows.ok()) return rows.error();
  for (const auto& row : rows->rows) {
    if (!wanted->match(text_of(row[0]), text_of(row[1]))) continue;
    none.sqlstate = wrong_object_type;
    const std::string name = text_of(row[0]) + '.' + text_of(row[1]);
    if (row[4]) {
      none.message = fmt::format("{} is a partition of {}", name, *row[4]);
      none.hint = "A partitioned table is mirrored as a whole: add " + *row[4] + ".";
      return none;
    }
    none.message = fmt::format("{} is {}", name, kind_of(text_of(row[2]), row[3] == "t"));
    none.hint = "Ordinary and partitioned tables can be mirrored.";
    return none;
  }
  return none;
}

Result<std::optional<Error>> why_not(Connection& connection, const CatalogTable& table) {
  const std::string name =
      postgres::quoted(table.schema.schema) + '.' + postgres::quoted(table.schema.name);
  if (!table.why_not.empty()) {
    return std::optional(
        Error{.sqlstate = sqlstate::feature_not_supported,
              .message = fmt::format("{} cannot be mirrored: {}", table.schema.qualified_name(),
                                     table.why_not)});
  }
  const Rows rows = TRY(connection.query(
      fmt::format("SELECT current_user, pg_catalog.has_schema_privilege(c.relnamespace, 'USAGE'), "
                  "pg_catalog.has_table_privilege(c.oid, 'SELECT') OR NOT EXISTS (SELECT 1 FROM "
                  "pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT "
                  "a.attisdropped AND NOT pg_catalog.has_column_privilege(c.oid, a.attnum, "
                  "'SELECT')) FROM pg_catalog.pg_class c WHERE c.oid = {}",
                  value(table.schema.id))));
  if (rows.rows.empty()) return std::optional<Error>();
  const auto& row = rows.rows.front();
  const std::string role = postgres::quoted(text_of(row[0]));
  std::string grants;
  if (row[1] != "t") {
    grants =
        fmt::format("GRANT USAGE ON SCHEMA {} TO {};", postgres::quoted(table.schema.schema), role);
  }
  if (row[2] != "t") {
    grants += fmt::format("{}GRANT SELECT ON {} TO {};", grants.empty() ? "" : " ", name, role);
  }
  if (grants.empty()) return std::optional<Error>();
  return std::optional(Error{
      .sqlstate = sqlstate::insufficient_privilege,
      .message = fmt::format("the source does not let us read {}", table.schema.qualified_name()),
      .hint = "Run there: " + grants});
}

}  // namespace freshet::source
