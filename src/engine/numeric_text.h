// Casts of NUMERIC_TEXT, the exact text of a PostgreSQL numeric without a precision, to integers.
//
// Comparing it with an integer casts it to one, and the engine's own cast rounds: 1.2 > 1 would be
// false. So these casts refuse what is not a whole number; who wants another comparison says which,
// by a cast to DECIMAL or DOUBLE. Casts to DECIMAL round, as everywhere in SQL.
#pragma once

#include "base/result.h"

struct _duckdb_connection;

namespace freshet::engine {

Result<> register_numeric_casts(_duckdb_connection* connection);

}  // namespace freshet::engine
