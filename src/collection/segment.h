// A segment: the table of the engine that holds a piece of a collection's rows. Only ever appended
// to, by one writer, so row ids are dense and known before they are given.
//
// Its columns are called c1, c2 … in the order of the schema; the view gives them their names. So a
// column may be renamed without touching a segment, or be called rowid.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
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
  std::uint64_t rows = 0;            // with those of the open transaction
  std::uint64_t committed_rows = 0;  // without
  SegmentBits bits;
  bool filtered = false;  // the view asks live() for it
  bool changed = false;   // bits differ from what is published

  std::uint64_t live_rows() const { return rows - bits.dead_count(); }
};

std::string segment_name(SegmentId segment);      // "s12"
std::string segment_table(SegmentId segment);     // "store._segments.s12"
std::string segment_column(std::size_t ordinal);  // "c1" for 0
std::vector<Type> column_types(const TableSchema& schema);
Result<> create_segment(engine::Connection& connection, SegmentId segment,
                        const TableSchema& schema);
Result<> drop_segment(engine::Connection& connection, SegmentId segment);
// How many rows each has, in the order asked for.
Result<std::vector<std::uint64_t>> count_rows(engine::Connection& connection,
                                              std::span<const SegmentId> segments);

}  // namespace freshet::collection
