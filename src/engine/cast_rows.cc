#include "engine/cast_rows.h"

#include "duckdb.h"

namespace freshet::engine {

void refuse_row(duckdb_function_info info, const std::string& problem, std::uint64_t row,
                duckdb_vector output) {
  duckdb_cast_function_set_row_error(info, problem.c_str(), row, output);
}

}  // namespace freshet::engine
