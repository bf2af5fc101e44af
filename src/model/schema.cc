#include "model/schema.h"

namespace freshet {

std::vector<Type> types_of(const std::vector<ColumnSchema>& columns) {
  std::vector<Type> types;
  for (const ColumnSchema& column : columns) types.push_back(column.type);
  return types;
}

std::vector<std::size_t> TableSchema::identity_columns() const {
  std::vector<std::size_t> ordinals;
  if (identity == Identity::None) return ordinals;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (identity == Identity::Full || columns[i].in_key) ordinals.push_back(i);
  }
  return ordinals;
}

void widen(TableSchema& schema, std::span<const WidenedColumn> columns) {
  for (const WidenedColumn& wide : columns) {
    for (ColumnSchema& column : schema.columns) {
      const bool same =
          column.attnum == wide.attnum && column.declared_type() == wide.declared_type;
      if (same) column.type = wide.type;
    }
  }
}

}  // namespace freshet
