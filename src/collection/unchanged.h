// Unchanged values: an update of a row with a large value leaves the value out when it stayed as it
// was, so it is read back from the row that the update replaces.
#pragma once

#include "base/arena.h"
#include "base/result.h"
#include "collection/batch_plan.h"
#include "collection/table.h"
#include "engine/connection.h"
#include "model/change.h"

namespace freshet::collection {

// Gives every row of plan.fills() its values. Reads all rows it needs from the store in one go per
// segment; strings are copied into `keep`.
Result<> fill_unchanged(engine::Connection& connection, Table& table, TableChanges& changes,
                        const BatchPlan& plan, Arena& keep);

}  // namespace freshet::collection
