// Who a session of ours waits for on the source, in words for people.
#pragma once

#include <string>

#include "base/result.h"
#include "postgres/connection.h"

namespace freshet::snapshot {

// Those who hold or are before us in line for the lock that session `pid` waits for; empty when it
// waits for none: "process 4711 of app (psql, idle in transaction) since 2026-01-01 12:00:00+00".
Result<std::string> lock_holders(postgres::Connection& connection, int pid);

// The transactions that a slot cannot be made before the end of: those that have written.
Result<std::string> open_writers(postgres::Connection& connection);

}  // namespace freshet::snapshot
