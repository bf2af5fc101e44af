#include "snapshot/snapshot.h"

#include <fmt/core.h>

#include "base/failpoint.h"
#include "postgres/sqlstate.h"

namespace freshet::snapshot {

namespace sqlstate = postgres::sqlstate;
using postgres::CatalogTable;
using postgres::Connection;
using postgres::Plugin;
using postgres::Rows;

namespace {

// Names the transactions that keep a slot from being created; PostgreSQL waits for all of them.
std::string long_transactions(const std::string& url) {
  const auto connection = Connection::connect(url, {});
  if (!connection.ok()) return {};
  const auto rows =
      (*connection)
          ->query(
              "SELECT 'process ' || pid || ' of ' || coalesce(usename, '?') || ' (' || "
              "coalesce(application_name, '') || ', ' || coalesce(state, '') || ') since ' || "
              "coalesce(date_trunc('second', xact_start)::text, '?') FROM pg_stat_activity "
              "WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid() UNION ALL "
              "SELECT 'prepared transaction ' || gid || ' since ' || date_trunc('second', "
              "prepared)::text "
              "FROM pg_prepared_xacts LIMIT 5");
  if (!rows.ok()) return {};
  std::string list;
  for (const auto& row : rows->rows) list += (list.empty() ? "" : "; ") + row[0].value_or("?");
  return list.empty() ? list : "Open transactions: " + list + ".";
}

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
    error.detail = long_transactions(url);
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

// The files below a table and its partitions, as the connection's snapshot sees them. They change
// when something rewrites or empties the table.
Result<std::string> files_of(Connection& connection, const CatalogTable& table) {
  const std::string oid = std::to_string(value(table.schema.id));
  const std::string tables = table.partitioned
                                 ? "SELECT relid FROM pg_catalog.pg_partition_tree(" + oid + ")"
                                 : "SELECT " + oid + "::oid";
  const Rows rows = TRY(
      connection.query(fmt::format("SELECT string_agg(oid || ':' || relfilenode, ',' ORDER BY oid) "
                                   "FROM pg_catalog.pg_class WHERE oid IN ({})",
                                   tables)));
  return rows.rows.at(0)[0].value_or("");
}

Error changed_error(const CatalogTable& table) {
  return {.fault = Fault::Transient,
          .sqlstate = sqlstate::serialization_failure,
          .message = fmt::format("{} was altered while its snapshot was taken",
                                 table.schema.qualified_name()),
          .hint = "It is copied again under a new snapshot."};
}

}  // namespace

struct Snapshot::State {
  std::string url;
  Plugin plugin = Plugin::Pgoutput;
  std::unique_ptr<Connection> connection;  // in the transaction of the slot's snapshot
  std::unique_ptr<Connection> present;     // sees what is committed now; opened when first needed
  Lsn lsn;
  std::string name;
};

Result<std::unique_ptr<Snapshot>> Snapshot::create(const std::string& url, SnapshotOptions options,
                                                   std::stop_token stop) {
  auto state = std::make_unique<State>();
  state->url = url;
  const std::string what = "create slot " + options.slot;
  state->plugin = options.plugin;
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

Result<CatalogTable> Snapshot::lock(TableId id) {
  Connection& connection = *state_->connection;
  // A failed statement must not end the transaction, and with it the snapshot.
  TRY(connection.query("SAVEPOINT before_lock"));
  const auto locked = [&]() -> Result<CatalogTable> {
    CatalogTable table = TRY(postgres::read_table(connection, id, state_->plugin));
    const auto done = connection.query(
        fmt::format("LOCK TABLE {}{}.{} IN ACCESS SHARE MODE", table.partitioned ? "" : "ONLY ",
                    postgres::quoted(table.schema.schema), postgres::quoted(table.schema.name)));
    if (!done.ok() && done.error().sqlstate == sqlstate::undefined_table) {
      return changed_error(table);  // renamed or dropped: the next snapshot will tell
    }
    TRY(done);
    // The snapshot is older than the lock: what happened between them would make the copy wrong.
    if (!state_->present) state_->present = TRY(Connection::connect(state_->url, {}));
    const CatalogTable now = TRY(postgres::read_table(*state_->present, id, state_->plugin));
    const std::string files = TRY(files_of(connection, table));
    const std::string files_now = TRY(files_of(*state_->present, now));
    const bool same = now.schema.columns == table.schema.columns && files == files_now &&
                      now.schema.qualified_name() == table.schema.qualified_name();
    if (!same) return changed_error(table);
    return table;
  }();
  if (locked.ok()) {
    // Keeps the lock.
    TRY(connection.query("RELEASE SAVEPOINT before_lock"));
    FAILPOINT("snapshot.lock.after");
    return locked;
  }
  TRY(connection.query("ROLLBACK TO SAVEPOINT before_lock"));
  return Result(locked).context(fmt::format("lock the table with oid {}", value(id)));
}

}  // namespace freshet::snapshot
