// Against a fault of older servers. A transaction that is open while ALTER PUBLICATION … ADD TABLE
// runs is decoded with the catalog as it was when it began. There the table is not published, and
// the walsender remembers that for the transactions after it too: their changes of the table are
// not sent, until the publication gets or loses some table. Fixed
// in 13.21, 14.18, 15.13, 16.9, 17.5.
#pragma once

#include <chrono>
#include <span>
#include <stop_token>

#include "base/result.h"
#include "model/schema.h"
#include "postgres/connection.h"
#include "source/slot.h"

namespace freshet::source {

bool needs_reminder(int server_version);

// To be called before the snapshot of tables that were published late is taken: waits until every
// transaction that is open now has ended, and publishes one of these tables again. What is
// committed after that is sent. Transient 55P03 when the wait takes longer than `limit`.
Result<> remind(postgres::Connection& connection, const Names& names,
                std::span<const TableId> tables, std::stop_token stop,
                std::chrono::milliseconds limit);

}  // namespace freshet::source
