#include "source/reminder.h"

#include <utility>

#include "base/guarded.h"
#include "postgres/sqlstate.h"

namespace freshet::source {

namespace {

using postgres::Connection;
namespace sqlstate = postgres::sqlstate;

constexpr std::chrono::milliseconds look_interval{100};

}  // namespace

bool needs_reminder(int server_version) {
  switch (server_version / 10000) {
    case 17: return server_version < 170005;
    case 16: return server_version < 160009;
    case 15: return server_version < 150013;
    case 14: return server_version < 140018;
    case 13: return server_version < 130021;
    default: return server_version < 130000;
  }
}

Result<> remind(Connection& connection, const Names& names, std::span<const TableId> tables,
                std::stop_token stop, std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  const postgres::Rows begun = TRY(
      connection.query("SELECT pg_catalog.txid_snapshot_xmax(pg_catalog.txid_current_snapshot())"));
  const std::string ended =
      "SELECT pg_catalog.txid_snapshot_xmin("
      "pg_catalog.txid_current_snapshot()) >= " +
      begun.rows.at(0)[0].value_or("0");
  Guarded<bool> never;
  while (TRY(connection.query(ended)).rows.at(0)[0] != "t") {
    if (stop.stop_requested()) {
      return Error{.fault = Fault::Transient,
                   .sqlstate = sqlstate::query_canceled,
                   .message = "stopped on request"};
    }
    if (std::chrono::steady_clock::now() > end) {
      return Error{.fault = Fault::Transient,
                   .sqlstate = sqlstate::lock_not_available,
                   .message = "a transaction is open since before the table was published",
                   .hint = "A forgotten session can be ended with pg_terminate_backend."};
    }
    never.wait_for(stop, look_interval, [](bool) { return false; });
  }
  return publish_again(connection, names, tables);
}

}  // namespace freshet::source
