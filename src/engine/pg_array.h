// pg_array_text(text): a literal of a PostgreSQL array as the engine's casts to lists read it, of
// any number of dimensions: {{1,NULL},{"a b",""}} → [['1', NULL], ['a b', '']].
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

struct _duckdb_connection;

namespace freshet::engine {

// Nothing when it is no such literal. Lower bounds ([0:1]=…) are left out: lists begin at 1.
// https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO
std::optional<std::string> list_text(std::string_view array);

Result<> register_pg_array(_duckdb_connection* connection);

}  // namespace freshet::engine
