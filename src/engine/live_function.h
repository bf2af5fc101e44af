// The scalar function live(): whether a row is one of those that the statement's version shows.
#pragma once

#include <memory>

#include "base/result.h"
#include "engine/connection_slot.h"

namespace freshet::engine {

// Registers live(segment UINTEGER, rowid BIGINT) for the whole database.
Result<> register_live(_duckdb_connection* connection, std::shared_ptr<ConnectionSlots> slots);

}  // namespace freshet::engine
