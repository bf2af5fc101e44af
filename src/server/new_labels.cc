#include "server/new_labels.h"

#include <algorithm>
#include <string_view>
#include <unordered_set>

namespace freshet::server {

namespace {

using Known = std::unordered_set<std::string_view>;

bool has_other(const Column& column, const Known& known) {
  if (column.type().kind == TypeKind::List) return has_other(column.child(), known);
  for (std::size_t row = 0; row < column.size(); ++row) {
    const bool present = column.state(row) == ValueState::Present;
    if (present && !known.contains(column.text(row))) return true;
  }
  return false;
}

bool has_new_label(const TableChanges& changes) {
  for (std::size_t i = 0; i < changes.schema->columns.size(); ++i) {
    const ColumnSchema& column = changes.schema->columns[i];
    if (column.type.shown != Shown::Enum) continue;
    Known known;
    for (const EnumLabel& each : column.labels) known.insert(each.label);
    if (has_other(changes.rows[i], known)) return true;
  }
  return false;
}

}  // namespace

std::vector<TableId> tables_with_new_labels(const ChangeSet& changes) {
  std::vector<TableId> tables;
  for (const auto& [id, table] : changes.tables) {
    if (table->row_count() > 0 && has_new_label(*table)) tables.push_back(id);
  }
  return tables;
}

std::shared_ptr<const TableSchema> with_labels_of(const postgres::CatalogShape& shape,
                                                  const TableSchema& schema) {
  auto labeled = std::make_shared<TableSchema>(schema);
  for (ColumnSchema& column : labeled->columns) {
    const auto now =
        std::ranges::find(shape.columns, column.attnum, &postgres::CatalogColumn::attnum);
    const bool same = now != shape.columns.end() && !now->dropped &&
                      now->described.declared_type() == column.declared_type();
    if (same) column.labels = now->described.labels;
  }
  return labeled;
}

bool renamed_label(const TableSchema& before, const TableSchema& now) {
  for (const ColumnSchema& column : before.columns) {
    const auto same = std::ranges::find(now.columns, column.attnum, &ColumnSchema::attnum);
    if (same == now.columns.end()) continue;
    for (const EnumLabel& label : column.labels) {
      const auto found = std::ranges::find(same->labels, label.oid, &EnumLabel::oid);
      if (found != same->labels.end() && found->label != label.label) return true;
    }
  }
  return false;
}

}  // namespace freshet::server
