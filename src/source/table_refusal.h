// Why a table that somebody names cannot be mirrored.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "postgres/catalog.h"
#include "postgres/connection.h"

namespace freshet::source {

// Of a name that no table to be mirrored has: 42P01 when there is nothing of that name, 42809 when
// it is a view, a partition or the like; what went wrong when it could not be found out. `pattern`
// as in postgres::TablePatterns.
Error why_no_table(postgres::Connection& connection, const std::string& pattern);

// Of a table that there is: 0A000 when it is of a kind that is not replicated, 42501 when the role
// may not read it. Nothing when it can be mirrored.
Result<std::optional<Error>> why_not(postgres::Connection& connection,
                                     const postgres::CatalogTable& table);

}  // namespace freshet::source
