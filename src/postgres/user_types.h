// What a source's catalog says of types that are not built in: domains, enums, composites, and
// arrays of them.
#pragma once

#include <span>

#include "base/result.h"
#include "model/schema.h"
#include "postgres/connection.h"

namespace freshet::postgres {

// Takes the columns from the types they are declared with (pg_type, pg_typmod) to what stands
// behind them: a domain to what it is over, an array of unknown elements to a list of texts, an
// enum to its labels, a composite to its fields. Asks nothing when all of them are known.
// As of the connection's transaction; a type that is gone stays text.
Result<> describe_types(Connection& connection, std::span<ColumnSchema* const> columns);

}  // namespace freshet::postgres
