#include "collection/alter.h"

#include <algorithm>

#include "engine/sql_value.h"

namespace freshet::collection {

namespace {

bool has_column(const TableSchema& schema, std::int16_t attnum) {
  return std::ranges::find(schema.columns, attnum, &ColumnSchema::attnum) != schema.columns.end();
}

// Whether a row has the same key by both, so that the index can stay.
bool same_keys(const TableSchema& one, const TableSchema& other) {
  if (one.identity != other.identity) return false;
  const auto ours = one.identity_columns();
  const auto theirs = other.identity_columns();
  return std::ranges::equal(ours, theirs, [&](std::size_t a, std::size_t b) {
    const ColumnSchema& mine = one.columns[a];
    const ColumnSchema& its = other.columns[b];
    return mine.attnum == its.attnum && mine.type == its.type && mine.pg_type == its.pg_type;
  });
}

}  // namespace

Result<> alter_table(Workspace& workspace, Table& table, const Alteration& alteration) {
  const TableSchema& schema = *alteration.schema;
  workspace.touch(table);
  if (!table.before) table.before = Table::Before{table.stored, table.segments};
  StoredTable& stored = table.stored;
  if (!same_keys(table.schema(), schema)) table.index = {};
  std::erase_if(stored.constants,
                [&](const auto& constant) { return !has_column(schema, constant.first); });
  for (const auto& [attnum, value] : alteration.constants) {
    CHECK(has_column(schema, attnum) && !has_column(table.schema(), attnum));
    stored.constants[attnum] = engine::sql_value(value, 0);
  }
  if (const std::uint64_t layout = layout_of(schema); layout != stored.layout) {
    stored.layout = layout;
    table.sealed = true;
  }
  if (schema.schema != table.schema().schema) {
    TRY(workspace.connection().execute("CREATE SCHEMA IF NOT EXISTS store." +
                                       engine::quoted(schema.schema)));
  }
  stored.record.schema = alteration.schema;
  stored.record.catalog = alteration.catalog;
  stored.record.inserts_only = schema.identity == Identity::None;
  table.set_schema_keys();
  table.view_stale = table.definition_stale = true;
  return {};
}

}  // namespace freshet::collection
