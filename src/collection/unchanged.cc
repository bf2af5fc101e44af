#include "collection/unchanged.h"

#include <algorithm>

#include "collection/stored_rows.h"

namespace freshet::collection {

namespace {

std::vector<std::size_t> columns_with_unchanged(const TableChanges& changes) {
  std::vector<std::size_t> ordinals;
  for (std::size_t i = 0; i < changes.rows.size(); ++i) {
    const auto& states = changes.rows[i].states();
    if (std::ranges::find(states, ValueState::Unchanged) != states.end()) ordinals.push_back(i);
  }
  return ordinals;
}

// From a row of the same batch. A list cannot grow while it is read, so it goes through a copy.
void fill_from_batch(Column& column, std::uint32_t row, std::uint32_t from) {
  if (column.type().kind != TypeKind::List) return column.fill_from(row, column, from);
  Column copy(column.type());
  copy.append_from(column, from);
  column.fill_from(row, copy, 0);
}

}  // namespace

Result<> fill_unchanged(engine::Connection& connection, Table& table, TableChanges& changes,
                        const BatchPlan& plan, Arena& keep) {
  if (plan.fills().empty()) return {};
  const std::vector<std::size_t> ordinals = columns_with_unchanged(changes);
  StoredRows stored(table, ordinals);
  for (const BatchPlan::Fill& fill : plan.fills()) {
    if (!plan.in_batch(fill.from)) stored.want(fill.from);
  }
  TRY(stored.read(connection, keep));
  // In order: a row of the batch was filled before a later one asks it.
  for (const BatchPlan::Fill& fill : plan.fills()) {
    for (std::size_t c = 0; c < ordinals.size(); ++c) {
      Column& column = changes.rows[ordinals[c]];
      if (column.state(fill.row) != ValueState::Unchanged) continue;
      if (plan.in_batch(fill.from)) {
        fill_from_batch(column, fill.row, plan.row_at(fill.from));
      } else {
        column.fill_from(fill.row, stored.column(c), stored.row_at(fill.from));
      }
    }
  }
  return {};
}

}  // namespace freshet::collection
