// Casts of types of our own, row by row.
#pragma once

#include <cstdint>
#include <string>

#include "engine/text_vectors.h"

struct _duckdb_function_info;

namespace freshet::engine {

// Of a cast: makes the row null, and the statement fail unless it tries only.
void refuse_row(_duckdb_function_info* info, const std::string& problem, std::uint64_t row,
                _duckdb_vector* output);

// Runs `convert(row)`, which answers what is wrong with the value or nothing, for each that is
// there.
template <typename Convert>
bool for_each_row(_duckdb_function_info* info, std::uint64_t count, _duckdb_vector* input,
                  _duckdb_vector* output, Convert convert) {
  bool all = true;
  each_present(input, count, output, [&](std::uint64_t row) {
    const std::string problem = convert(row);
    if (!problem.empty()) refuse_row(info, problem, row, output);
    all = all && problem.empty();
    return true;
  });
  return all;
}

}  // namespace freshet::engine
