// Text in, text and nulls out, for functions that the engine calls with vectors.
#pragma once

#include <cstdint>
#include <string_view>

struct _duckdb_vector;

namespace freshet::engine {

bool is_null(_duckdb_vector* vector, std::uint64_t row);
void set_null(_duckdb_vector* vector, std::uint64_t row);
// Of a vector of VARCHAR; borrowed from it.
std::string_view text_of(_duckdb_vector* vector, std::uint64_t row);
// Of a vector of VARCHAR or BLOB; copied into it.
void set_text(_duckdb_vector* vector, std::uint64_t row, std::string_view text);

// Null becomes null; `take(row)` is called for each row that is there, until it answers false.
template <typename Take>
bool each_present(_duckdb_vector* input, std::uint64_t rows, _duckdb_vector* output, Take take) {
  for (std::uint64_t row = 0; row < rows; ++row) {
    if (is_null(input, row)) {
      set_null(output, row);
    } else if (!take(row)) {
      return false;
    }
  }
  return true;
}

}  // namespace freshet::engine
