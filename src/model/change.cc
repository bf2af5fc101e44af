#include "model/change.h"

#include <utility>

namespace freshet {

TableChanges::TableChanges(std::shared_ptr<const TableSchema> table_schema)
    : schema(std::move(table_schema)), identity(schema->identity_columns()) {
  for (const ColumnSchema& column : schema->columns) rows.emplace_back(column.type);
  for (const std::size_t ordinal : identity) old.emplace_back(schema->columns[ordinal].type);
}

void TableChanges::clear() {
  changes.clear();
  origins.clear();
  for (Column& column : rows) column.clear();
  for (Column& column : old) column.clear();
}

void ChangeSet::clear() {
  for (auto& [id, table] : tables) table->clear();
  arena.reset();
  keep.clear();
  stopped.clear();
  applied = {};
  transactions = 0;
  change_count = 0;
  payload_bytes = 0;
}

}  // namespace freshet
