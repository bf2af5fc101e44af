// Copies rows of a model Column into a DuckDB vector. The layouts are the same (model/type.h), so
// it is a copy, never a conversion.
#pragma once

#include <cstdint>
#include <span>

#include "model/column.h"

struct _duckdb_vector;

namespace freshet::engine {

// Whose bytes the strings of a filled vector are.
enum class Strings {
  Borrowed,  // the column's: for who copies the vector before the column goes
  Copied,    // the vector's own
};

// Rows [begin, end) of the column become the first rows of the vector, which is fresh or reset. No
// value may be Unchanged.
void fill(_duckdb_vector* vector, const Column& column, std::size_t begin, std::size_t end,
          Strings strings);
// The rows named, in that order.
void fill(_duckdb_vector* vector, const Column& column, std::span<const std::uint32_t> rows,
          Strings strings);

}  // namespace freshet::engine
