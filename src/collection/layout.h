// What each column of a table is in each of its segments.
//
// The source alters a table, and the segments stay as they are: a segment has the columns of its
// day, and whoever reads it asks here what a column of today is in it. That is the column itself; a
// cast of it, when its type has been widened since; or, when the segment is older than the column,
// what PostgreSQL shows in such rows: a constant, or null.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "base/result.h"
#include "collection/live_rows.h"
#include "engine/connection.h"
#include "model/schema.h"

namespace freshet::collection {

// The columns of a segment: number on the source (attnum) → name of the engine's type. The engine's
// own catalog is where this is kept.
using SegmentLayout = std::map<std::int16_t, std::string>;

// By attnum: an expression of the engine, the value of a column in rows that are older than it. No
// entry: null.
using Constants = std::map<std::int16_t, std::string>;

// Of a segment made for this schema.
std::shared_ptr<const SegmentLayout> segment_layout(const TableSchema& schema);
// Of all segments there are.
Result<std::map<SegmentId, std::shared_ptr<const SegmentLayout>>> read_layouts(
    engine::Connection& connection);

std::string segment_column(const ColumnSchema& column);  // "c12"
// The value of a column in the rows of a segment, as SQL over that segment.
std::string column_in(const SegmentLayout& layout, const ColumnSchema& column,
                      const Constants& constants);

}  // namespace freshet::collection
