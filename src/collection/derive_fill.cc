// Filling a derived collection from the rows of its mirror, piece by piece.
#include <fmt/core.h>

#include <algorithm>

#include "collection/derive.h"
#include "engine/read_columns.h"
#include "observe/log.h"

namespace freshet::collection {

namespace {

// How long one call of fill() keeps the changes of other tables waiting.
constexpr std::chrono::milliseconds fill_time{100};

}  // namespace

Result<bool> Derive::fill() {
  const auto until = std::chrono::steady_clock::now() + fill_time;
  for (auto& [id, derived] : all_) {
    Table* table = workspace_.find(id);
    if (table == nullptr || table->stored.record.state != TableState::CatchingUp) continue;
    Table* mirror = workspace_.find(table->stored.derivation->table);
    if (mirror == nullptr || mirror->stored.record.state != TableState::Live) continue;
    while (table->stored.record.state == TableState::CatchingUp) {
      if (std::chrono::steady_clock::now() > until) return true;
      TRY(workspace_.begin());
      Result<> filled = fill_piece(*table, derived, *mirror);
      if (!filled.ok()) {
        if (filled.error().fault != Fault::Permanent) return filled.error();
        TRY(stop(*table, std::move(filled).error()));
      }
      TRY(workspace_.commit({}));
    }
  }
  return false;
}

Result<> Derive::fill_piece(Table& table, Derived& derived, Table& mirror) {
  workspace_.touch(table);
  table.before = Table::Before{table.stored, table.segments};
  if (!derived.begun) {
    derived.begun = true;
    for (const Segment& segment : mirror.segments) {
      derived.left.push_back({segment.id, segment.rows});
    }
    std::ranges::reverse(derived.left);
    note_readers(mirror.id());
  }
  Arena keep;
  // Where rows are known by their values alone, a change in between could meet the wrong one of two
  // equal rows: these are filled at once.
  const bool whole = derived.made.identity() == Identity::Full;
  do {
    TableChanges rows(mirror.stored.record.schema);
    rows.origins.push_back({0, workspace_.applied().lsn, workspace_.applied().commit_time});
    TRY(read_piece(derived, mirror, rows, keep));
    TRY(follow_one(table, derived, {mirror, rows}, keep));
    keep.reset();
  } while (whole && !derived.left.empty());
  if (!derived.left.empty()) return {};
  // Nobody sees rows that are too old already.
  if (table.stored.derivation->definition.retention) {
    while (TRY(expire_some(table))) {
    }
  }
  table.stored.record.state = TableState::Live;
  workspace_.retire(table.stored.shown);
  table.stored.shown.clear();
  table.view_stale = table.definition_stale = true;
  derived.begun = false;
  note_readers(mirror.id());
  observe::info("collection filled", {{"collection", table.schema().qualified_name()}});
  return {};
}

// The next rows of the mirror, of those that were there when the filling began and are there now.
Result<> Derive::read_piece(Derived& derived, Table& mirror, TableChanges& rows, Arena& keep) {
  std::uint64_t read = 0;
  while (!derived.left.empty() && read < rows_at_once) {
    const Part part = derived.left.back();
    const Segment* segment = mirror.find(part.segment);
    const std::uint64_t end = std::min(part.rows, derived.next_row + rows_at_once - read);
    const std::uint64_t first = std::exchange(derived.next_row, end);
    if (segment == nullptr || end == part.rows) {
      derived.left.pop_back();
      derived.next_row = 0;
    }
    if (segment == nullptr || first == end) continue;
    read += end - first;
    std::string select = "SELECT rowid";
    for (const ColumnSchema& column : mirror.schema().columns) {
      select += ", " + column_in(*segment->layout, column, mirror.stored.constants);
    }
    const auto statement = TRY(workspace_.connection().prepare(
        fmt::format("{} FROM {} WHERE rowid BETWEEN {} AND {}", select, segment_table(segment->id),
                    first, end - 1)));
    const auto stream = TRY(statement->execute());
    while (const auto chunk = TRY(stream->next())) {
      const auto* ids = static_cast<const std::int64_t*>(chunk->column(0).data());
      for (std::size_t i = 0; i < chunk->size(); ++i) {
        if (segment->bits.is_dead(static_cast<std::uint64_t>(ids[i]))) continue;
        rows.changes.push_back({Op::Insert, static_cast<std::uint32_t>(rows.row_count())});
        for (std::size_t c = 0; c < rows.rows.size(); ++c) {
          engine::append_row(rows.rows[c], chunk->column(c + 1), i, keep);
        }
      }
    }
  }
  return {};
}

}  // namespace freshet::collection
