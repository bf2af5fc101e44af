// What queries see of ranges: structs of lower, upper, lower_inc, upper_inc and empty, where a
// bound that is null is infinite; and of multiranges: structs of ranges, a list of those. Any such
// struct is a range: the engine's functions for structs know no others by name.
//
// A text becomes one where it meets one, in PostgreSQL's canonical form: [1,4] of int4range is
// [1,5). They become text by a cast; moments of tstzrange in UTC then.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/statement.h"
#include "model/type.h"

struct _duckdb_connection;

namespace freshet::engine {

// "STRUCT(lower INTEGER, …)"; empty for what is neither a range nor a multirange.
std::string range_type(Shown shown);
// The same for PostgreSQL's name, as "int4range"; empty for any other.
std::string range_type_named(std::string_view name);
// What a struct is; AsStored when it is no range.
Shown range_shown(const LogicalType& type);

// The casts. After register_numeric_value.
Result<> register_range_types(_duckdb_connection* connection);

}  // namespace freshet::engine
