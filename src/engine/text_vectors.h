// Text in and nulls out, for functions that the engine calls with vectors.
#pragma once

#include <cstdint>
#include <string_view>

struct _duckdb_vector;

namespace freshet::engine {

bool is_null(_duckdb_vector* vector, std::uint64_t row);
void set_null(_duckdb_vector* vector, std::uint64_t row);
// Of a vector of VARCHAR; borrowed from it.
std::string_view text_of(_duckdb_vector* vector, std::uint64_t row);

}  // namespace freshet::engine
