// A segment: the table of the engine that holds a piece of a collection's rows. Only ever appended
// to, by one writer, so row ids are dense and known before they are given.
//
// Its columns are those that the table had when the segment was made. They are called c and the
// column's number on the source, which is never given twice; the view gives them their names. So
// the table may be altered without touching a segment (layout.h), and a column be called rowid.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "collection/layout.h"
#include "collection/live_rows.h"
#include "engine/connection.h"
#include "model/schema.h"

namespace freshet::collection {

// The engine numbers rows from here while their transaction is open, each table for itself.
inline constexpr std::uint64_t uncommitted_row_ids = 36'028'797'018'960'000;
// A segment of this size is sealed: the next rows go to another, so that rewriting has tiers.
inline constexpr std::uint64_t segment_rows_max = 4'000'000;

struct Segment {
  SegmentId id = 0;
  std::shared_ptr<const SegmentLayout> layout{};
  std::uint64_t rows = 0;            // with those of the open transaction
  std::uint64_t committed_rows = 0;  // without
  SegmentBits bits;
  bool filtered = false;  // the view asks live() for it
  bool changed = false;   // bits differ from what is published

  std::uint64_t live_rows() const { return rows - bits.dead_count(); }
  // A row's number as the engine has it inside the open transaction, and back.
  std::uint64_t engine_row_id(std::uint64_t row) const {
    return row < committed_rows ? row : uncommitted_row_ids + row - committed_rows;
  }
  std::uint64_t row_of(std::uint64_t engine_row) const {
    if (engine_row < uncommitted_row_ids) return engine_row;
    return engine_row - uncommitted_row_ids + committed_rows;
  }
};

std::string segment_name(SegmentId segment);   // "s12"
std::string segment_table(SegmentId segment);  // "store._segments.s12"
Result<> create_segment(engine::Connection& connection, SegmentId segment,
                        const TableSchema& schema);
Result<> drop_segment(engine::Connection& connection, SegmentId segment);
// How many rows each has, in the order asked for.
Result<std::vector<std::uint64_t>> count_rows(engine::Connection& connection,
                                              std::span<const SegmentId> segments);

}  // namespace freshet::collection
