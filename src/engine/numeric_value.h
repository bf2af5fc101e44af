// NUMERIC_VALUE: what queries see of a numeric without a precision. Its bytes are
// exact_numeric.h's, so that order, equality, groups and joins are the engine's own and
// PostgreSQL's at once.
//
// Other numbers become one wherever they meet one, so that a comparison never rounds; it becomes
// none of them by itself, so that no function computes with less than it is. Casts from it round as
// PostgreSQL does, and refuse what does not fit.
#pragma once

#include <string>

#include "base/result.h"

struct _duckdb_connection;

namespace freshet::engine {

inline constexpr const char* numeric_value_alias = "NUMERIC_VALUE";

// The type and its casts. After register_types.
Result<> register_numeric_value(_duckdb_connection* connection);

// + - * / % abs round trunc ceil floor sign on it, and the aggregates numeric_sum and
// numeric_avg, which a query's sum and avg of it become (query/numeric_aggregates.h): the engine
// lets nobody add to those of its own. Exact to 38 digits; 22003 beyond.
Result<> register_numeric_functions(_duckdb_connection* connection);

}  // namespace freshet::engine
