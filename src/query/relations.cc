#include "query/relations.h"

#include "base/failpoint.h"
#include "query/catalog.h"
#include "query/relation_rows.h"

namespace freshet::query {
namespace {

using engine::RelationColumn;

constexpr Type text{.kind = TypeKind::Text};
constexpr Type int64{.kind = TypeKind::Int64};
constexpr Type float64{.kind = TypeKind::Float64};
constexpr Type truth{.kind = TypeKind::Bool};

std::optional<std::int64_t> as_integer(std::optional<std::uint64_t> value) {
  if (!value) return {};
  return static_cast<std::int64_t>(*value);
}

Result<> register_sources(engine::Database& database, const Status& status) {
  const std::vector<RelationColumn> columns = {{"name", text},
                                               {"state", text},
                                               {"url", text},
                                               {"slot", text},
                                               {"server_version", text},
                                               {"received_lsn", text},
                                               {"durable_lsn", text},
                                               {"confirmed_lsn", text},
                                               {"applied_lsn", text},
                                               {"lag_ms", int64},
                                               {"lag_bytes", int64},
                                               {"stream_bytes", int64},
                                               {"spool_bytes", int64},
                                               {"retained_wal_bytes", int64},
                                               {"last_error", text},
                                               {"hint", text},
                                               {"stale", truth},
                                               {"wal_status", text},
                                               {"safe_wal_bytes", int64},
                                               {"wal_bytes_per_second", float64},
                                               {"slot_lost_in_seconds", float64},
                                               {"resting", truth}};
  const auto make = [columns, &status]() -> Result<engine::RelationRows> {
    RelationBuilder rows(columns);
    for (const SourceStatus& source : status.sources()) {
      rows.text(source.name).text(source.state).text(source.url).text(source.slot);
      rows.text(source.server_version).text(to_string(source.received));
      rows.text(to_string(source.durable)).text(to_string(source.confirmed));
      rows.text(to_string(source.applied)).integer(source.lag_ms).integer(source.lag_bytes);
      rows.integer(static_cast<std::int64_t>(source.stream_bytes));
      rows.integer(static_cast<std::int64_t>(source.spool_bytes));
      rows.integer(as_integer(source.retained_wal_bytes)).text(source.last_error);
      rows.text(source.hint).truth(source.stale);
      rows.text(source.wal_status).integer(as_integer(source.safe_wal_bytes));
      rows.real(source.wal_bytes_per_second).real(source.slot_lost_in_seconds);
      rows.truth(source.resting);
    }
    return rows.finish();
  };
  return engine::register_relation(database, "_freshet_sources", columns, make);
}

Result<> register_tables(engine::Database& database, const Status& status) {
  const std::vector<RelationColumn> columns = {
      {"source", text},     {"schema", text},     {"name", text},        {"state", text},
      {"rows", int64},      {"dead_rows", int64}, {"applied_lsn", text}, {"lag_ms", int64},
      {"lag_bytes", int64}, {"last_error", text}, {"copied_lsn", text},  {"copying_again", truth}};
  const auto make = [columns, &status]() -> Result<engine::RelationRows> {
    RelationBuilder rows(columns);
    for (const TableStatus& table : status.tables()) {
      rows.text(table.source).text(table.schema).text(table.name).text(table.state);
      rows.integer(static_cast<std::int64_t>(table.rows));
      rows.integer(static_cast<std::int64_t>(table.dead_rows));
      rows.text(to_string(table.applied_lsn)).integer(table.lag_ms).integer(table.lag_bytes);
      rows.text(table.last_error).text(to_string(table.copied_lsn)).truth(table.copying_again);
    }
    return rows.finish();
  };
  return engine::register_relation(database, "_freshet_tables", columns, make);
}

Result<> register_progress(engine::Database& database, const Status& status) {
  const std::vector<RelationColumn> columns = {{"source", text},
                                               {"schema", text},
                                               {"name", text},
                                               {"phase", text},
                                               {"rows", int64},
                                               {"rows_estimated", int64},
                                               {"bytes", int64},
                                               {"rows_per_second", float64},
                                               {"seconds_left", float64},
                                               {"bytes_left", int64},
                                               {"waiting_for", text}};
  const auto make = [columns, &status]() -> Result<engine::RelationRows> {
    RelationBuilder rows(columns);
    for (const ProgressStatus& table : status.progress()) {
      rows.text(table.source).text(table.schema).text(table.name).text(table.phase);
      rows.integer(static_cast<std::int64_t>(table.rows));
      rows.integer(as_integer(table.rows_estimated));
      rows.integer(static_cast<std::int64_t>(table.bytes));
      rows.real(table.rows_per_second).real(table.seconds_left);
      rows.integer(as_integer(table.bytes_left)).text(table.waiting_for);
    }
    return rows.finish();
  };
  return engine::register_relation(database, "_freshet_progress", columns, make);
}

Result<> register_collections(engine::Database& database, const Status& status) {
  const std::vector<RelationColumn> columns = {{"source", text},
                                               {"schema", text},
                                               {"name", text},
                                               {"table_schema", text},
                                               {"table_name", text},
                                               {"primary_key", text},
                                               {"retention_seconds", int64},
                                               {"on_error", text},
                                               {"definition", text}};
  const auto make = [columns, &status]() -> Result<engine::RelationRows> {
    RelationBuilder rows(columns);
    for (const DerivedStatus& each : status.derived()) {
      std::string key;
      for (const std::string& column : each.key) key += (key.empty() ? "" : ", ") + column;
      rows.text(each.source).text(each.schema).text(each.name).text(each.table_schema);
      rows.text(each.table).text(key).integer(each.retention_seconds).text(each.on_error);
      rows.text(each.sql);
    }
    return rows.finish();
  };
  return engine::register_relation(database, "_freshet_collections", columns, make);
}

Result<> register_rejects(engine::Database& database, const Status& status) {
  const std::vector<RelationColumn> columns = {
      {"source", text},   {"schema", text},  {"name", text},
      {"number", int64},  {"came_at", text}, {"lsn", text},
      {"sqlstate", text}, {"message", text}, {"row", {.kind = TypeKind::Json}}};
  const auto make = [columns, &status]() -> Result<engine::RelationRows> {
    RelationBuilder rows(columns);
    for (const RejectStatus& each : TRY(status.rejects())) {
      rows.text(each.source).text(each.schema).text(each.name);
      rows.integer(static_cast<std::int64_t>(each.number)).text(each.came_at).text(each.lsn);
      rows.text(each.sqlstate).text(each.message).text(each.row);
    }
    return rows.finish();
  };
  return engine::register_relation(database, "_freshet_rejects", columns, make);
}

constexpr int attempts_max = 10;

Result<> create(engine::Connection& connection) {
  TRY(connection.begin());
  Result<> created = connection.execute(system_relations_sql());
  if (!created.ok()) {
    connection.rollback();
    return created;
  }
  FAILPOINT("query.relations.before");
  return connection.commit();
}

}  // namespace

Result<> register_system_relations(collection::Store& store, const Status& status) {
  engine::Database& database = store.database();
  TRY(register_sources(database, status));
  TRY(register_tables(database, status));
  TRY(register_progress(database, status));
  TRY(register_collections(database, status));
  TRY(register_rejects(database, status));
  TRY(register_catalog(store));
  const std::unique_ptr<engine::Connection> connection = TRY(database.connect());
  // A writer may be making a schema of the same name just now; then the engine refuses one of both.
  for (int left = attempts_max;; --left) {
    Result<> created = create(*connection);
    if (created.ok() || created.error().fault != Fault::Transient || left == 1)
      return std::move(created).context("create system relations");
  }
}

}  // namespace freshet::query
