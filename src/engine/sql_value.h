// A value as an expression of the engine's SQL, for constants in views.
#pragma once

#include <cstddef>
#include <string>

#include "model/column.h"

namespace freshet::engine {

// An expression whose value and type are exactly those of row `row`, which is not Unchanged:
// "CAST(42 AS BIGINT)", "CAST(NULL AS VARCHAR)". Does not depend on settings of a session.
std::string sql_value(const Column& column, std::size_t row);

}  // namespace freshet::engine
