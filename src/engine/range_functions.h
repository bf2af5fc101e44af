// What PostgreSQL computes with ranges, under its names: lower, upper, isempty, lower_inc,
// upper_inc, lower_inf, upper_inf, and the operators @> (of a value or a range), <@ and &&.
// https://www.postgresql.org/docs/current/functions-range.html
#pragma once

#include "base/result.h"

struct _duckdb_connection;

namespace freshet::engine {

// After register_range_types.
Result<> register_range_functions(_duckdb_connection* connection);

}  // namespace freshet::engine
