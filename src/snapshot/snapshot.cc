#include "snapshot/snapshot.h"

#include <fmt/core.h>

#include "base/failpoint.h"
#include "postgres/connection.h"
#include "postgres/sqlstate.h"
#include "snapshot/waiting.h"

namespace freshet::snapshot {

namespace sqlstate = postgres::sqlstate;
using postgres::Connection;
using postgres::Plugin;
using postgres::Rows;

namespace {

// A lasting slot survives the failover of a primary (17+): standbys that synchronize slots keep a
// copy of it. Where none does the mark costs nothing, and one may be added later.
std::string create_slot_command(const SnapshotOptions& options, int server_version, bool standby) {
  // As every version takes it: the slot lasts, and its snapshot is exported.
  if (options.plugin == Plugin::TestDecoding) {
    return fmt::format("CREATE_REPLICATION_SLOT {} LOGICAL test_decoding",
                       postgres::quoted(options.slot));
  }
  const bool failover = server_version >= 170000 && !options.temporary && !standby;
  const std::string settings = fmt::format("(SNAPSHOT 'use'{})", failover ? ", FAILOVER true" : "");
  return fmt::format("CREATE_REPLICATION_SLOT {}{} LOGICAL pgoutput {}",
                     postgres::quoted(options.slot), options.temporary ? " TEMPORARY" : "",
                     server_version >= 150000 ? settings : "USE_SNAPSHOT");
}

std::string who_writes(const std::string& url) {
  const auto connection = Connection::connect(url, {});
  const auto writers = connection.ok() ? open_writers(**connection) : connection.error();
  return writers.ok() ? *writers : std::string();
}

// Creates the slot, in the connection's transaction if it has one; its row tells the position.
Result<Rows> create_slot(Connection& connection, const std::string& url,
                         const SnapshotOptions& options, const std::stop_token& stop) {
  // Reported since 14; slots on standbys came with 16.
  const bool standby = connection.parameter("in_hot_standby") == "on";
  // A primary waits for transactions, which lock_timeout bounds one by one; a standby waits until
  // its primary writes which transactions run.
  const auto limit = standby ? options.lock_timeout : std::chrono::hours(24);
  auto created = connection.query(
      create_slot_command(options, connection.server_version(), standby), stop, limit);
  if (created.ok()) return created;
  Error error = created.error();
  if (error.sqlstate == sqlstate::lock_not_available) {
    error.detail = who_writes(url);
    error.hint =
        "PostgreSQL waits until every transaction that writes has ended. It is tried "
        "again; a forgotten session can be ended with pg_terminate_backend.";
  }
  if (standby && error.sqlstate == sqlstate::query_canceled) {
    error.hint =
        "A standby can make a slot when its primary writes which transactions run, every 15 s "
        "while there is something to write. It is tried again; to have it at once, call "
        "pg_log_standby_snapshot() on the primary.";
  }
  return error;
}

constexpr const char* begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

// A slot's consistent point, and a transaction that sees what is committed there.
struct Made {
  Lsn lsn;
  std::unique_ptr<Connection> connection;
};

Result<Lsn> point_of(const Rows& created) {
  const std::optional<Lsn> lsn = parse_lsn(created.rows.at(0).at(1).value_or(""));
  if (lsn) return *lsn;
  return Error{.sqlstate = sqlstate::protocol_violation, .message = "the slot has no position"};
}

// The transaction is the walsender's own: it takes SQL since 10.
Result<Made> make_slot(const std::string& url, const SnapshotOptions& options,
                       const std::stop_token& stop) {
  auto walsender =
      TRY(Connection::connect(url, {.replication = true, .lock_timeout = options.lock_timeout}));
  TRY(walsender->query(begin));
  const Rows created = TRY(create_slot(*walsender, url, options, stop));
  return Made{TRY(point_of(created)), std::move(walsender)};
}

// As all versions can do it: the walsender offers the snapshot until its next command, and another
// session takes it over. Temporary slots came with 10: such a one is dropped here, the snapshot
// lives on.
Result<Made> make_slot_for_lines(const std::string& url, const SnapshotOptions& options,
                                 const std::stop_token& stop) {
  auto walsender =
      TRY(Connection::connect(url, {.replication = true, .lock_timeout = options.lock_timeout}));
  const Rows created = TRY(create_slot(*walsender, url, options, stop));
  const std::string drop = "DROP_REPLICATION_SLOT " + postgres::quoted(options.slot);
  auto taken = [&]() -> Result<Made> {
    auto session = TRY(Connection::connect(url, {.lock_timeout = options.lock_timeout}));
    TRY(session->query(begin));
    TRY(session->query("SET TRANSACTION SNAPSHOT " +
                       postgres::literal(created.rows.at(0).at(2).value_or(""))));
    return Made{TRY(point_of(created)), std::move(session)};
  }();
  if (options.temporary || !taken.ok()) {
    const auto dropped = walsender->query(drop);
    if (taken.ok()) TRY(dropped);
  }
  return taken;
}

}  // namespace

struct Snapshot::State {
  State(const std::string& url, Plugin its_plugin) : plugin(its_plugin), present(url) {}

  const Plugin plugin;
  std::unique_ptr<Connection> connection;  // in the transaction of the slot's snapshot
  Present present;
  Lsn lsn;
  std::string name;
};

Result<std::unique_ptr<Snapshot>> Snapshot::create(const std::string& url, SnapshotOptions options,
                                                   std::stop_token stop) {
  auto state = std::make_unique<State>(url, options.plugin);
  const std::string what = "create slot " + options.slot;
  const bool lines = options.plugin == Plugin::TestDecoding;
  FAILPOINT("snapshot.create_slot.before");
  Made made = TRY((lines ? make_slot_for_lines(url, options, stop) : make_slot(url, options, stop))
                      .context(what));
  state->lsn = made.lsn;
  state->connection = std::move(made.connection);
  FAILPOINT("snapshot.create_slot.after");
  const auto exported = state->connection->query("SELECT pg_catalog.pg_export_snapshot()");
  if (!exported.ok()) {
    // Ends the walsender's transaction; a session on the side leaves the slot to the next attempt.
    ignore(state->connection->query("ROLLBACK"));
    if (!lines) {
      ignore(state->connection->query("DROP_REPLICATION_SLOT " + postgres::quoted(options.slot)));
    }
    return Error(exported.error()).with_context("export the snapshot of slot " + options.slot);
  }
  state->name = exported->rows.at(0).at(0).value_or("");
  return std::unique_ptr<Snapshot>(new Snapshot(std::move(state)));
}

Snapshot::Snapshot(std::unique_ptr<State> state) : state_(std::move(state)) {}
Snapshot::~Snapshot() = default;

Lsn Snapshot::lsn() const {
  return state_->lsn;
}
const std::string& Snapshot::name() const {
  return state_->name;
}

Plugin Snapshot::plugin() const {
  return state_->plugin;
}
Present& Snapshot::present() {
  return state_->present;
}

Result<> Snapshot::keep_alive() {
  TRY(state_->connection->query("SELECT 1").context("hold the snapshot"));
  return {};
}

}  // namespace freshet::snapshot
