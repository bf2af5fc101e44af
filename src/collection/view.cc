#include "collection/view.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

#include "engine/as_seen.h"
#include "transform/definition.h"

namespace freshet::collection {

namespace {

constexpr std::array<std::string_view, 10> schemas_taken{
    "freshet",    "_meta", "_segments", "main", "information_schema",
    "pg_catalog", "store", "system",    "temp", "memory"};

Error cannot_be_shown(std::string reason, std::string hint) {
  return {.sqlstate = "0A000", .message = std::move(reason), .hint = std::move(hint)};
}

std::string qualified(const ViewName& name) {
  return "store." + engine::quoted(name.schema) + "." + engine::quoted(name.name);
}

}  // namespace

bool same_name(const ViewName& one, const ViewName& other) {
  return engine::folded(one.schema) == engine::folded(other.schema) &&
         engine::folded(one.name) == engine::folded(other.name);
}

Result<> check_can_be_shown(const TableSchema& schema) {
  if (std::ranges::find(schemas_taken, engine::folded(schema.schema)) != schemas_taken.end()) {
    return cannot_be_shown(fmt::format("schema name {} is taken", engine::quoted(schema.schema)),
                           "Rename the schema on the source, or leave its tables out.");
  }
  if (schema.columns.empty()) {
    return cannot_be_shown("the table has no columns", "Leave it out, or give it a column.");
  }
  std::set<std::string> names;
  for (const ColumnSchema& column : schema.columns) {
    if (names.insert(engine::folded(column.name)).second) continue;
    return cannot_be_shown(fmt::format("two columns are called {} when case does not count",
                                       engine::quoted(column.name)),
                           "Rename one of them on the source.");
  }
  return {};
}

Result<> create_view(engine::Connection& connection, const TableSchema& schema,
                     std::span<const Segment> segments, const Constants& constants) {
  std::string sql =
      fmt::format("CREATE OR REPLACE VIEW {} AS ", qualified({schema.schema, schema.name}));
  for (const Segment& segment : segments) {
    const bool first = &segment == &segments.front();
    const char* before = first ? "SELECT " : " UNION ALL SELECT ";
    std::string condition = segment.filtered ? fmt::format("live({}, rowid)", segment.id) : "";
    for (const ColumnSchema& column : schema.columns) {
      if (column.name == transform::shown_column) {
        condition += (condition.empty() ? "" : " AND ") + segment_column(column);
      }
      if (column.name.starts_with(transform::hidden_prefix)) continue;
      sql += fmt::format(
          "{}{} AS {}", before,
          engine::as_seen(connection, column, column_in(*segment.layout, column, constants)),
          engine::quoted(column.name));
      before = ", ";
    }
    sql += " FROM " + segment_table(segment.id);
    if (!condition.empty()) sql += " WHERE " + condition;
  }
  return connection.execute(sql);
}

Result<> drop_view(engine::Connection& connection, const ViewName& name) {
  return connection.execute("DROP VIEW IF EXISTS " + qualified(name));
}

}  // namespace freshet::collection
