// Rows for which a transformation failed: _meta.rejects, changed in the transaction that did not
// take them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "collection/store.h"
#include "engine/connection.h"

namespace freshet::collection {

// Keeps the newest of a collection's, at most rejected_rows_max.
Result<> add_rejected(engine::Connection& connection, std::span<const RejectedRow> rows);
Result<> forget_rejected(engine::Connection& connection, SourceId source, TableId collection);
// The last number that was given; zero when none was.
Result<std::uint64_t> last_rejected(engine::Connection& connection, SourceId source,
                                    TableId collection);
Result<std::vector<RejectedRow>> read_rejected(engine::Connection& connection);

}  // namespace freshet::collection
