// Values of engine chunks, back into Columns: they lie alike, so this copies and converts nothing.
#pragma once

#include <cstddef>

#include "base/arena.h"
#include "engine/statement.h"
#include "model/column.h"

namespace freshet::engine {

// Appends rows [0, rows) of a vector whose type is the column's. Strings point into the chunk.
void append_all(Column& to, const VectorView& from, std::size_t rows);
// The same; strings are copied into `keep`.
void append_all(Column& to, const VectorView& from, std::size_t rows, Arena& keep);
// Appends one row; its strings are copied into `keep`.
void append_row(Column& to, const VectorView& from, std::size_t row, Arena& keep);

}  // namespace freshet::engine
