// What queries see of a column: an expression of a stored value made into one of what it is shown
// as (model/type.h), and a number in the place of the text of a numeric.
#pragma once

#include <string>

#include "engine/connection.h"
#include "model/schema.h"

namespace freshet::engine {

// All that is asked for is known to the engine at once, whatever becomes of the transaction.
std::string as_seen(Connection& connection, const ColumnSchema& column, std::string expression);

// The engine's type of an enum of these labels; VARCHAR when there are too many enums.
std::string enum_type(Connection& connection, const std::vector<EnumLabel>& labels);
// Its number, which restore_enum() is to be given at the next start for the views that name it;
// nothing for VARCHAR.
std::optional<std::uint32_t> enum_number(Connection& connection,
                                         const std::vector<EnumLabel>& labels);
void restore_enum(Connection& connection, std::uint32_t number,
                  const std::vector<EnumLabel>& labels);

}  // namespace freshet::engine
