// Altering: a table takes another schema and keeps its rows where they are.
#pragma once

#include "base/result.h"
#include "collection/store.h"
#include "collection/workspace.h"

namespace freshet::collection {

// Inside the workspace's transaction; its commit makes the new shape visible. The next rows go to a
// new segment when the old ones have other columns.
Result<> alter_table(Workspace& workspace, Table& table, const Alteration& alteration);

}  // namespace freshet::collection
