// Texts, numbers and nulls in vectors, for functions that the engine calls with them.
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

void* data_of(_duckdb_vector* vector);
// Of a vector of values of this type.
template <typename T>
T stored(_duckdb_vector* vector, std::uint64_t row) {
  return static_cast<T*>(data_of(vector))[row];
}
template <typename T>
void store(_duckdb_vector* vector, std::uint64_t row, T value) {
  static_cast<T*>(data_of(vector))[row] = value;
}

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
