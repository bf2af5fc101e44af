#include "collection/unchanged.h"

#include <fmt/core.h>

#include <algorithm>
#include <limits>

#include "engine/read_columns.h"
#include "engine/statement.h"

namespace freshet::collection {

namespace {

constexpr std::uint64_t vector_rows = 2048;  // the engine reads and decompresses this many at once
constexpr std::size_t ranges_per_query = 64;

std::vector<std::size_t> columns_with_unchanged(const TableChanges& changes) {
  std::vector<std::size_t> ordinals;
  for (std::size_t i = 0; i < changes.rows.size(); ++i) {
    const auto& states = changes.rows[i].states();
    if (std::ranges::find(states, ValueState::Unchanged) != states.end()) ordinals.push_back(i);
  }
  return ordinals;
}

// Rows of the store, read by location.
class StoredRows {
 public:
  StoredRows(Table& table, const std::vector<std::size_t>& ordinals) : table_(table) {
    for (const std::size_t ordinal : ordinals) {
      wanted_columns_.push_back(&table.schema().columns[ordinal]);
      columns_.emplace_back(wanted_columns_.back()->type);
    }
  }

  void want(Location at) { wanted_.push_back(at.value); }
  Result<> read(engine::Connection& connection, Arena& keep);

  std::size_t row_at(Location at) const {
    const auto found = std::ranges::lower_bound(wanted_, at.value);
    return rows_[static_cast<std::size_t>(found - wanted_.begin())];
  }
  const Column& column(std::size_t index) const { return columns_[index]; }

 private:
  static constexpr std::size_t none = std::numeric_limits<std::size_t>::max();
  struct Range {
    std::uint64_t first;
    std::uint64_t last;
  };
  Result<> read_segment(engine::Connection& connection, const Segment& segment,
                        std::span<const std::uint64_t> wanted, Arena& keep);
  Result<> read_ranges(engine::Connection& connection, const Segment& segment,
                       std::span<const Range> ranges, Arena& keep);
  static std::vector<Range> ranges_of(const Segment& segment,
                                      std::span<const std::uint64_t> wanted);

  Table& table_;
  std::vector<const ColumnSchema*> wanted_columns_;
  std::vector<Column> columns_;        // beside wanted_columns_
  std::vector<std::uint64_t> wanted_;  // locations, sorted
  std::vector<std::size_t> rows_;      // beside wanted_: into columns_
};

Result<> StoredRows::read(engine::Connection& connection, Arena& keep) {
  std::ranges::sort(wanted_);
  rows_.assign(wanted_.size(), none);
  for (std::size_t begin = 0; begin < wanted_.size();) {
    const SegmentId id = Location(wanted_[begin]).segment();
    std::size_t end = begin;
    while (end < wanted_.size() && Location(wanted_[end]).segment() == id) ++end;
    const Segment* segment = table_.find(id);
    CHECK(segment != nullptr);
    TRY(read_segment(connection, *segment, std::span(wanted_).subspan(begin, end - begin), keep));
    begin = end;
  }
  if (std::ranges::find(rows_, none) == rows_.end()) return {};
  return Error{.fault = Fault::Corruption,
               .message = fmt::format("read rows of {}: some are not where the index says",
                                      table_.schema().qualified_name())};
}

Result<> StoredRows::read_segment(engine::Connection& connection, const Segment& segment,
                                  std::span<const std::uint64_t> wanted, Arena& keep) {
  std::vector<Range> ranges = ranges_of(segment, wanted);
  if (ranges.size() > segment.rows / vector_rows / 4) {
    ranges = {{ranges.front().first, ranges.back().last}};
  }
  for (std::span<const Range> rest(ranges); !rest.empty();) {
    const auto part = rest.first(std::min(rest.size(), ranges_per_query));
    TRY(read_ranges(connection, segment, part, keep));
    rest = rest.subspan(part.size());
  }
  return {};
}

// Neighbours that the engine would read together make one range.
std::vector<StoredRows::Range> StoredRows::ranges_of(const Segment& segment,
                                                     std::span<const std::uint64_t> wanted) {
  std::vector<Range> ranges;
  for (const std::uint64_t location : wanted) {
    const std::uint64_t row = segment.engine_row_id(Location(location).row());
    if (!ranges.empty() && row - ranges.back().last < vector_rows) {
      ranges.back().last = row;
    } else {
      ranges.push_back({row, row});
    }
  }
  return ranges;
}

Result<> StoredRows::read_ranges(engine::Connection& connection, const Segment& segment,
                                 std::span<const Range> ranges, Arena& keep) {
  std::string select = "SELECT rowid";
  for (const ColumnSchema* column : wanted_columns_) {
    select += ", " + column_in(*segment.layout, *column, table_.stored.constants);
  }
  std::string sql;
  for (const Range& range : ranges) {
    sql +=
        fmt::format("{}{} FROM {} WHERE rowid BETWEEN {} AND {}", sql.empty() ? "" : " UNION ALL ",
                    select, segment_table(segment.id), range.first, range.last);
  }
  const auto statement = TRY(connection.prepare(sql));
  const auto stream = TRY(statement->execute());
  while (const auto chunk = TRY(stream->next())) {
    const auto* ids = static_cast<const std::int64_t*>(chunk->column(0).data());
    for (std::size_t i = 0; i < chunk->size(); ++i) {
      const Location at(segment.id, segment.row_of(static_cast<std::uint64_t>(ids[i])));
      const auto found = std::ranges::lower_bound(wanted_, at.value);
      if (found == wanted_.end() || *found != at.value) continue;
      rows_[static_cast<std::size_t>(found - wanted_.begin())] = columns_.front().size();
      for (std::size_t c = 0; c < columns_.size(); ++c) {
        engine::append_row(columns_[c], chunk->column(c + 1), i, keep);
      }
    }
  }
  return {};
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
