// Rollups: what came and what went of a mirror's rows, group by group.
#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "collection/derive.h"
#include "collection/stored_rows.h"
#include "engine/as_seen.h"
#include "engine/read_columns.h"
#include "engine/row_query.h"

namespace freshet::collection {

namespace {

// Which rows of a mirror are live in the open transaction, for live().
class WorkingRows final : public engine::LiveRows {
 public:
  explicit WorkingRows(const Table& table) : table_(table) {}
  void test(std::uint32_t segment, const std::int64_t* rows, std::size_t count,
            bool* out) const override {
    const Segment* const known = table_.find(segment);
    for (std::size_t i = 0; i < count; ++i) {
      const auto row = known->row_of(static_cast<std::uint64_t>(rows[i]));
      out[i] = !known->bits.is_dead(row);
    }
  }

 private:
  const Table& table_;
};

// A SELECT of the live rows of the table, under the names of their columns.
std::string rows_of(engine::Connection& connection, const Table& table) {
  std::string sql;
  for (const Segment& segment : table.segments) {
    const char* before = sql.empty() ? "SELECT " : " UNION ALL SELECT ";
    for (const ColumnSchema& column : table.schema().columns) {
      sql +=
          fmt::format("{}{} AS {}", before,
                      engine::as_seen(connection, column,
                                      column_in(*segment.layout, column, table.stored.constants)),
                      engine::quoted(column.name));
      before = ", ";
    }
    sql += " FROM " + segment_table(segment.id);
    if (segment.bits.dead_count() > 0) sql += fmt::format(" WHERE live({}, rowid)", segment.id);
  }
  return sql;
}

std::vector<std::size_t> columns_from(const TableSchema& schema, std::size_t first) {
  std::vector<std::size_t> ordinals(schema.columns.size() - first);
  std::iota(ordinals.begin(), ordinals.end(), first);
  return ordinals;
}

std::vector<std::uint32_t> all_rows(std::size_t count) {
  std::vector<std::uint32_t> rows(count);
  std::iota(rows.begin(), rows.end(), 0U);
  return rows;
}

}  // namespace

bool Derive::Derived::has_read(Location at) const {
  for (const Part& part : left) {
    if (part.segment != at.segment() || at.row() >= part.rows) continue;
    return &part == &left.back() && at.row() < next_row;
  }
  return true;
}

Result<> Derive::follow_groups(Table& table, Derived& derived, const Batch& batch, Arena& keep) {
  transform::Rollup& rollup = *derived.made.rollup;
  const std::vector<std::uint32_t> rows =
      batch.plan == nullptr
          ? all_rows(batch.changes.row_count())
          : std::vector<std::uint32_t>(batch.plan->rows().begin(), batch.plan->rows().end());
  TRY(rollup.rows().run(batch.changes, rows, keep, new_));
  TRY(reject(table, derived, batch.changes));
  TRY(transform_gone(derived, batch, keep));
  std::vector<Column> groups;
  TRY(rollup.differences(new_, old_, keep, groups));
  const std::size_t count = groups.front().size();
  if (count == 0) return carry_out(table);
  std::vector<Column> before = columns_of(rollup.kept_types());
  const bool truncates = !changes_->changes.empty();
  if (!truncates) before = TRY(kept_of(table, rollup, groups.front(), keep));
  std::vector<Column> again;
  if (rollup.computes_again()) again = TRY(compute_again(rollup, batch.mirror, groups, keep));
  TRY(rollup.merge(groups, before, again, keep, changes_->rows));
  change_groups(table, rollup, before);
  return carry_out(table);
}

// A change for each group that was merged. A group that is older than the collection keeps them
// has left for good: what comes for it later does not bring a part of it back.
void Derive::change_groups(const Table& table, const transform::Rollup& rollup,
                           const std::vector<Column>& before) {
  const auto oldest = oldest_kept(table);
  const std::size_t time = oldest ? event_time(table.schema()) : 0;
  std::set<std::string_view> known;
  for (std::size_t row = 0; oldest && row < before.front().size(); ++row) {
    known.insert(before.front().text(row));
  }
  const auto has_left = [&](std::uint32_t row) {
    const Column& times = changes_->rows[time];
    return oldest && times.state(row) == ValueState::Present &&
           times.get<std::int64_t>(row) < oldest->time_since_epoch().count();
  };
  Column& old = changes_->old.front();
  const Column& ids = changes_->rows[rollup.first_kept()];
  for (std::uint32_t row = 0; row < ids.size(); ++row) {
    if (rollup.size_of(changes_->rows, row) > 0 && !has_left(row)) {
      changes_->changes.push_back({Op::Insert, row});
    } else if (!oldest || known.contains(ids.text(row))) {
      changes_->changes.push_back(
          {Op::Delete, Change::none, static_cast<std::uint32_t>(old.size())});
      old.append_from(ids, row);
    }
  }
}

// What the mirror's rows that died were to their groups, of those that were counted.
Result<> Derive::transform_gone(Derived& derived, const Batch& batch, Arena& keep) {
  old_ = {};
  StoredRows gone(batch.mirror, columns_from(batch.mirror.schema(), 0));
  if (batch.plan != nullptr) {
    for (const Location at : batch.plan->dead()) {
      if (derived.has_read(at)) gone.want(at);
    }
  }
  transform::Transformation& of_rows = derived.made.rollup->rows();
  old_.columns = columns_of(types_of(of_rows.columns()));
  if (!gone.wants_any()) return {};
  TRY(gone.read(workspace_.connection(), keep));
  TableChanges rows(batch.mirror.stored.record.schema);
  rows.rows = std::move(gone.columns());
  return of_rows.run(rows, all_rows(rows.row_count()), keep, old_);
}

// What is kept of the groups that are known.
Result<std::vector<Column>> Derive::kept_of(Table& table, const transform::Rollup& rollup,
                                            const Column& ids, Arena& keep) {
  TRY(workspace_.ensure_index(table));
  StoredRows stored(table, columns_from(table.schema(), rollup.first_kept()));
  auto& index = std::get<HashIndex>(table.index);
  const Column* const key[] = {&ids};
  for (const Hash128& hash : table.row_keys.hashes(key)) {
    if (const std::uint64_t* const at = index.find(hash)) stored.want(Location(*at));
  }
  if (stored.wants_any()) TRY(stored.read(workspace_.connection(), keep));
  return std::move(stored.columns());
}

// A row per group, in their order; a group without rows has nulls.
Result<std::vector<Column>> Derive::compute_again(const transform::Rollup& rollup, Table& mirror,
                                                  const std::vector<Column>& groups, Arena& keep) {
  engine::Connection& connection = workspace_.connection();
  if (!std::exchange(connection_is_set_, true)) {
    TRY(connection.execute("SET integer_division = true"));  // as transformations have it
  }
  std::vector<Column> found = columns_of(rollup.again_types());
  Column ids({TypeKind::Text});
  const auto ask = [&]() -> Result<> {
    auto query = TRY(engine::RowQuery::open(
        connection, rollup.again_sql(rows_of(connection, mirror)), rollup.kept_types()));
    return query.run_all(groups, [&](const engine::Chunk& chunk) -> Result<> {
      engine::append_all(ids, chunk.column(0), chunk.size(), keep);
      for (std::size_t c = 0; c < found.size(); ++c) {
        engine::append_all(found[c], chunk.column(c + 1), chunk.size(), keep);
      }
      return {};
    });
  };
  if (!mirror.segments.empty()) {
    connection.set_live_rows(std::make_shared<WorkingRows>(mirror));
    Result<> asked = ask();
    connection.set_live_rows(nullptr);
    TRY(std::move(asked).context("compute groups again"));
  }
  std::map<std::string_view, std::size_t> row_of;
  for (std::size_t row = 0; row < ids.size(); ++row) row_of.emplace(ids.text(row), row);
  std::vector<Column> again = columns_of(rollup.again_types());
  for (std::size_t group = 0; group < groups.front().size(); ++group) {
    const auto at = row_of.find(groups.front().text(group));
    for (std::size_t c = 0; c < again.size(); ++c) {
      if (at == row_of.end()) {
        again[c].append_null();
      } else {
        again[c].append_from(found[c], at->second);
      }
    }
  }
  return again;
}

}  // namespace freshet::collection
