// Rockset's functions that the engine does not have, or has under another name: macros, in a schema
// of the database in memory, so that nothing of them is stored. docs/sql.md lists them all.
#pragma once

#include <span>
#include <string_view>

#include "base/result.h"

struct _duckdb_connection;

namespace freshet::engine {

// Where they are; a connection that should find them has it on its search path.
inline constexpr std::string_view functions_schema = "memory._functions";

Result<> register_rockset_macros(_duckdb_connection* connection);

}  // namespace freshet::engine
