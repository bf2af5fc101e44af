#include "snapshot/table_reader.h"

#include <fmt/core.h>

#include <utility>

#include "base/failpoint.h"
#include "postgres/shape.h"
#include "postgres/sqlstate.h"
#include "snapshot/present.h"

namespace freshet::snapshot {

namespace sqlstate = postgres::sqlstate;
using postgres::CatalogTable;
using postgres::Connection;
using postgres::Rows;

namespace {

Error changed_error(const std::string& table) {
  return {.fault = Fault::Transient,
          .sqlstate = sqlstate::serialization_failure,
          .message = fmt::format("{} was altered while its snapshot was taken", table),
          .hint = "It is copied again under a new snapshot."};
}

// The snapshot is older than the lock: what happened between them would make the copy wrong. The
// present is asked without a lock, which could wait behind somebody who waits for ours.
Result<> check_unchanged(const CatalogTable& table, Snapshot& snapshot) {
  const auto is_same = [&](Connection& connection) -> Result<bool> {
    const auto now = TRY(postgres::read_shape(connection, table.schema.id, snapshot.plugin()));
    return now && now->state.to_text() == table.catalog && now->schema == table.schema.schema &&
           now->name == table.schema.name;
  };
  const bool same = TRY(snapshot.present().ask(is_same));
  if (!same) return changed_error(table.schema.qualified_name());
  return {};
}

// Parallel queries came with 9.6.
const char* alone_sql(int server_version) {
  return server_version >= 90600 ? "; SET LOCAL max_parallel_workers_per_gather = 0" : "";
}

}  // namespace

Result<std::unique_ptr<TableReader>> TableReader::connect(const std::string& url, Options options) {
  auto connection = TRY(Connection::connect(url, {.application_name = options.application_name,
                                                  .lock_timeout = options.lock_timeout,
                                                  .stop = options.stop}));
  return std::unique_ptr<TableReader>(new TableReader(std::move(connection), std::move(options)));
}

int TableReader::backend_pid() const {
  return connection_->backend_pid();
}

Result<CatalogTable> TableReader::open(Snapshot& snapshot, TableId id, Patience patience,
                                       std::span<const WidenedColumn> widened) {
  CHECK(!table_);
  Result<CatalogTable> opened = open_locked(snapshot, id, patience, widened);
  if (opened.ok()) {
    FAILPOINT("snapshot.lock.after");
    return opened;
  }
  ignore(connection_->query("ROLLBACK"));
  return std::move(opened).context(fmt::format("lock the table with oid {}", value(id)));
}

Result<CatalogTable> TableReader::open_locked(Snapshot& snapshot, TableId id, Patience patience,
                                              std::span<const WidenedColumn> widened) {
  // One connection is one process on the source; how many there are is for us to say.
  TRY(connection_->query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"));
  const auto seen =
      connection_->query("SET TRANSACTION SNAPSHOT " + postgres::literal(snapshot.name()) +
                         alone_sql(connection_->server_version()));
  if (!seen.ok()) {
    // It goes with the connection that holds it; the next snapshot will do.
    Error lost = seen.error();
    lost.fault = Fault::Transient;
    return lost;
  }
  TRY(lock(id, patience));
  CatalogTable table = TRY(postgres::read_table(*connection_, id, snapshot.plugin()));
  if (!table.why_not.empty()) {
    return Error{.sqlstate = sqlstate::feature_not_supported, .message = table.why_not};
  }
  CHECK(!table.schema.columns.empty());
  widen(table.schema, widened);
  TRY(check_unchanged(table, snapshot));
  columns_ = TRY(copy_columns(*connection_, table));
  table_ = table;
  return table;
}

// By the name that it has in the snapshot; everything else about it is read when nobody can rewrite
// it any more.
Result<> TableReader::lock(TableId id, Patience patience) {
  const Rows named = TRY(connection_->query(
      fmt::format("SELECT n.nspname, c.relname, c.relkind = 'p' FROM pg_catalog.pg_class c JOIN "
                  "pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = {}",
                  value(id))));
  if (named.rows.empty()) {
    return Error{.sqlstate = sqlstate::undefined_table,
                 .message = fmt::format("the table with oid {} is gone", value(id))};
  }
  const auto& row = named.rows.front();
  const std::string name =
      postgres::quoted(row[0].value_or("")) + '.' + postgres::quoted(row[1].value_or(""));
  const std::string statement =
      fmt::format("LOCK TABLE {}{} IN ACCESS SHARE MODE{}", row[2] == "t" ? "" : "ONLY ", name,
                  patience == Patience::Waits ? "" : " NOWAIT");
  // Each lock of a partitioned table may take its time.
  const auto locked = connection_->query(statement, options_.stop, std::chrono::hours(1));
  if (!locked.ok() && locked.error().sqlstate == sqlstate::undefined_table) {
    return changed_error(name);  // renamed or dropped: the next snapshot will tell
  }
  TRY(locked);
  return {};
}

Result<std::vector<Piece>> TableReader::cut(const CutOptions& options) {
  CHECK(table_);
  return snapshot::cut(*connection_, *table_, options)
      .context("cut " + table_->schema.qualified_name() + " into pieces");
}

Result<> TableReader::copy(const Piece& piece, const RowSink& sink, CopyProgress& progress,
                           std::stop_token stop) {
  CHECK(table_);
  const std::string what = "copy " + table_->schema.qualified_name();
  const auto counted_sink = [&](RowBatch& batch) -> Result<> {
    progress.rows.fetch_add(batch.columns.front().size(), std::memory_order_relaxed);
    return sink(batch);
  };
  CopyRows rows(table_->schema, counted_sink, {});
  const auto take = [&](Bytes bytes) -> Result<> {
    progress.bytes.fetch_add(bytes.size(), std::memory_order_relaxed);
    return rows.take(bytes);
  };
  FAILPOINT("snapshot.copy.before");
  const Result<> copied =
      connection_->copy_out(copy_statement(columns_, piece), take, std::move(stop)).context(what);
  widened_ = rows.widened();
  TRY(copied);
  FAILPOINT("snapshot.copy.after");
  return rows.finish().context(what);
}

Result<> TableReader::close() {
  table_.reset();
  // Of a transaction that has failed it is a rollback.
  TRY(connection_->query("COMMIT"));
  return {};
}

}  // namespace freshet::snapshot
