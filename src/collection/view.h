// The view that shows a collection: SELECT … FROM one segment UNION ALL SELECT … FROM the next.
#pragma once

#include <span>
#include <string>

#include "base/result.h"
#include "collection/definitions.h"
#include "collection/segment.h"
#include "engine/connection.h"

namespace freshet::collection {

// Why the engine cannot show a table under its name and columns, if it cannot: it does not tell
// Orders from orders, and some schemas are taken.
Result<> check_can_be_shown(const TableSchema& schema);
// True when the engine would take both for the same name.
bool same_name(const ViewName& one, const ViewName& other);

Result<> create_view(engine::Connection& connection, const TableSchema& schema,
                     std::span<const Segment> segments, const Constants& constants);
Result<> drop_view(engine::Connection& connection, const ViewName& name);

}  // namespace freshet::collection
