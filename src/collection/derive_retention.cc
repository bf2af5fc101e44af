// Rows of derived collections that are older than their collection keeps them.
#include <fmt/core.h>

#include <algorithm>

#include "collection/derive.h"
#include "engine/read_columns.h"
#include "observe/metrics.h"

namespace freshet::collection {

namespace {

constexpr std::chrono::seconds interval{1};

}  // namespace

std::optional<Time> Derive::oldest_kept(const Table& table) {
  const auto retention = table.stored.derivation->definition.retention;
  if (!retention) return std::nullopt;
  return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now()) -
         *retention;
}

std::size_t Derive::event_time(const TableSchema& schema) {
  const auto time = std::ranges::find(schema.columns, "_event_time", &ColumnSchema::name);
  return static_cast<std::size_t>(time - schema.columns.begin());
}

Result<bool> Derive::expire() {
  const auto now = std::chrono::steady_clock::now();
  if (now - expired_at_ < interval) return false;
  bool more = false;
  for (auto& [id, derived] : all_) {
    Table* table = workspace_.find(id);
    const bool wanted = table != nullptr && table->stored.derivation->definition.retention &&
                        table->stored.record.state == TableState::Live;
    if (!wanted) continue;
    TRY(workspace_.begin());
    more = TRY(expire_some(*table)) || more;
    TRY(workspace_.commit({}));
  }
  if (!more) expired_at_ = now;
  return more;
}

// Inside the open transaction. True when there may be more.
Result<bool> Derive::expire_some(Table& table) {
  static observe::Counter& counter = observe::counter(
      "freshet_collection_expired_rows_total", "Rows that were older than their collection keeps.");
  Arena keep;
  changes_ = std::make_unique<TableChanges>(table.stored.record.schema);
  const std::size_t found = TRY(find_expired(table, *changes_, keep));
  if (found == 0) return false;
  workspace_.touch(table);
  counter.add(static_cast<double>(found));
  TRY(carry_out(table));
  return found >= rows_at_once;
}

// The expired rows as deletions, with how many there are.
Result<std::size_t> Derive::find_expired(Table& table, TableChanges& found, Arena& keep) {
  const TableSchema& schema = table.schema();
  const ColumnSchema& time = schema.columns[event_time(schema)];
  const Time oldest = *oldest_kept(table);
  std::string select = "SELECT rowid";
  for (const std::size_t ordinal : found.identity) {
    select += ", " + segment_column(schema.columns[ordinal]);
  }
  for (const Segment& segment : table.segments) {
    const auto statement = TRY(workspace_.connection().prepare(
        fmt::format("{} FROM {} WHERE {} < make_timestamptz({})", select, segment_table(segment.id),
                    segment_column(time), oldest.time_since_epoch().count())));
    const auto stream = TRY(statement->execute());
    while (const auto chunk = TRY(stream->next())) {
      const auto* ids = static_cast<const std::int64_t*>(chunk->column(0).data());
      for (std::size_t i = 0; i < chunk->size() && found.changes.size() < rows_at_once; ++i) {
        if (segment.bits.is_dead(segment.row_of(static_cast<std::uint64_t>(ids[i])))) continue;
        found.changes.push_back(
            {Op::Delete, Change::none, static_cast<std::uint32_t>(found.changes.size())});
        for (std::size_t c = 0; c < found.old.size(); ++c) {
          engine::append_row(found.old[c], chunk->column(c + 1), i, keep);
        }
      }
    }
    if (found.changes.size() >= rows_at_once) break;
  }
  return found.changes.size();
}

}  // namespace freshet::collection
