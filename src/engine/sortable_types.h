// The engine's types for the values of model/sortable.h, under PostgreSQL's names, with enums as
// ENUM_0, ENUM_1 and so on (enum_types.h). Below they are bytes that sort as the values do, so that
// order, equality, groups and joins are the engine's own and PostgreSQL's at once.
//
// A text becomes one of them where it meets one; they become text by themselves, for functions.
#pragma once

#include <string_view>

#include "base/result.h"
#include "model/type.h"

struct _duckdb_connection;

namespace freshet::engine {

// "INET"; nothing for what is not of model/sortable.h, or an enum.
std::string_view sortable_alias(Shown shown);
// AsStored when no such type is called so.
Shown sortable_called(std::string_view alias);

// The types and their casts. After register_types.
Result<> register_sortable_types(_duckdb_connection* connection);

}  // namespace freshet::engine
