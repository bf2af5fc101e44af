#include "collection/stored_rows.h"

#include <fmt/core.h>

#include "engine/read_columns.h"
#include "engine/statement.h"

namespace freshet::collection {

namespace {

constexpr std::uint64_t vector_rows = 2048;  // the engine reads and decompresses this many at once
constexpr std::size_t ranges_per_query = 64;

}  // namespace

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

}  // namespace freshet::collection
