// Rows of a table, read by location: those of the open transaction too, and dead ones whose segment
// is still there.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "base/arena.h"
#include "collection/table.h"
#include "engine/connection.h"

namespace freshet::collection {

// Ordinals of the schema's columns are wanted. One use: all rows are asked for, then read.
class StoredRows {
 public:
  StoredRows(const Table& table, const std::vector<std::size_t>& ordinals) : table_(table) {
    for (const std::size_t ordinal : ordinals) {
      wanted_columns_.push_back(&table.schema().columns[ordinal]);
      columns_.emplace_back(wanted_columns_.back()->type);
    }
  }

  // Each row once.
  void want(Location at) { wanted_.push_back(at.value); }
  bool wants_any() const { return !wanted_.empty(); }
  // Corruption when one is not there.
  Result<> read(engine::Connection& connection, Arena& keep);

  std::size_t row_at(Location at) const {
    const auto found = std::ranges::lower_bound(wanted_, at.value);
    return rows_[static_cast<std::size_t>(found - wanted_.begin())];
  }
  const Column& column(std::size_t index) const { return columns_[index]; }
  // All that were read, in some order.
  std::vector<Column>& columns() { return columns_; }

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

  const Table& table_;
  std::vector<const ColumnSchema*> wanted_columns_;
  std::vector<Column> columns_;        // beside wanted_columns_
  std::vector<std::uint64_t> wanted_;  // locations, sorted
  std::vector<std::size_t> rows_;      // beside wanted_: into columns_
};

}  // namespace freshet::collection
