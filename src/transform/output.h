// How the result of an expression is kept: every type of the engine as one a collection can hold.
#pragma once

#include <string>

#include "engine/statement.h"
#include "model/type.h"

namespace freshet::transform {

struct Kept {
  Type type;
  std::string sql;  // the expression that makes it, from the one that was asked about
};

// Nothing is lost: what no type of a collection holds exactly is kept as text, nested values as
// JSON. Whole numbers beyond 38 digits fail when they come.
Kept keep(const engine::LogicalType& made, const std::string& expression);

// The same for a result by its name: _id is text, and _event_time a point in time, of which whole
// numbers are microseconds.
Kept keep_result(const engine::ResultColumn& result, const std::string& expression);

}  // namespace freshet::transform
