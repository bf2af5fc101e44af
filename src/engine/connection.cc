#include "engine/connection.h"

#include <thread>
#include <utility>

#include "duckdb.h"
#include "engine/errors.h"
#include "engine/handles.h"
#include "engine/prepared.h"

namespace freshet::engine {

namespace {

// Takes the engine's snapshot of the store now, by looking something up in its catalog. Much
// cheaper than the smallest query, and like one it starts the transaction of the attached store.
Result<> touch_store(duckdb_connection connection) {
  duckdb_table_description description = nullptr;
  const bool found = duckdb_table_description_create_ext(connection, "store", "_engine", "anchor",
                                                         &description) == DuckDBSuccess;
  Result<> result;
  if (!found) {
    const char* const reason = duckdb_table_description_error(description);
    result = engine_error(reason == nullptr ? "" : reason);
  }
  duckdb_table_description_destroy(&description);
  return result;
}

void add_rows(const Chunk& chunk, std::size_t columns, TextRows& rows) {
  for (std::size_t row = 0; row < chunk.size(); ++row) {
    auto& texts = rows.emplace_back(columns);
    for (std::size_t column = 0; column < columns; ++column) {
      const VectorView& values = chunk.column(column);
      if (!values.is_null(row)) texts[column] = values.print(row);
    }
  }
}

}  // namespace

void Free::operator()(duckdb_connection connection) const {
  duckdb_disconnect(&connection);
}
void Free::operator()(duckdb_pending_result pending) const {
  duckdb_destroy_pending(&pending);
}
void Free::operator()(duckdb_prepared_statement statement) const {
  duckdb_destroy_prepare(&statement);
}
void Free::operator()(char* text) const {
  duckdb_free(text);
}

Result<> run(duckdb_connection connection, std::string_view sql) {
  duckdb_result result;
  Result<> outcome;
  if (duckdb_query(connection, std::string(sql).c_str(), &result) != DuckDBSuccess) {
    outcome = engine_error(duckdb_result_error_type(&result), duckdb_result_error(&result), sql);
  }
  duckdb_destroy_result(&result);
  return outcome;
}

Result<OwnedStatement> prepare(duckdb_connection connection, std::string_view sql) {
  duckdb_prepared_statement statement = nullptr;
  const bool prepared =
      duckdb_prepare(connection, std::string(sql).c_str(), &statement) == DuckDBSuccess;
  OwnedStatement owned(statement);
  if (prepared) return owned;
  const char* const reason = duckdb_prepare_error(statement);
  return engine_error(reason == nullptr ? "" : reason, sql);
}

// The engine's own way to wait for its other threads is to ask again and again: a core lost to a
// commit that another thread is writing to the disk.
Result<> execute(const OwnedStatement& statement) {
  duckdb_pending_result made = nullptr;
  const bool started = duckdb_pending_prepared(statement.get(), &made) == DuckDBSuccess;
  const OwnedPending pending(made);
  duckdb_pending_state state = started ? DUCKDB_PENDING_RESULT_NOT_READY : DUCKDB_PENDING_ERROR;
  while (!duckdb_pending_execution_is_finished(state)) {
    if (state == DUCKDB_PENDING_NO_TASKS_AVAILABLE) std::this_thread::yield();
    state = duckdb_pending_execute_task(pending.get());
  }
  Result<> outcome;
  if (state == DUCKDB_PENDING_ERROR) {
    const char* const reason = duckdb_pending_error(pending.get());
    outcome = engine_error(reason == nullptr ? "" : reason);
  } else {
    duckdb_result result{};
    if (duckdb_execute_pending(pending.get(), &result) != DuckDBSuccess) {
      outcome = engine_error(duckdb_result_error_type(&result), duckdb_result_error(&result));
    }
    duckdb_destroy_result(&result);
  }
  return outcome;
}

Connection::Connection(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}
Connection::~Connection() = default;

Result<> Connection::execute(std::string_view sql) {
  Result<> done = run(handle_->connection.get(), sql);
  ++*handle_->catalog_changes;
  handle_->may_change_catalog = handle_->in_transaction;
  return done;
}

Result<TextRows> Connection::query(std::string_view sql) {
  const std::unique_ptr<Statement> statement = TRY(prepare(sql));
  const std::unique_ptr<RowStream> stream = TRY(statement->execute());
  TextRows rows;
  for (;;) {
    const std::unique_ptr<Chunk> chunk = TRY(stream->next());
    if (chunk == nullptr) return rows;
    add_rows(*chunk, stream->columns().size(), rows);
  }
}

Result<std::unique_ptr<Statement>> Connection::prepare(std::string_view sql) {
  return prepare_statement(*handle_, sql);
}

Result<> Connection::begin() {
  TRY(engine::execute(handle_->begin).context("begin transaction"));
  handle_->in_transaction = true;
  Result<> touched = touch_store(handle_->connection.get()).context("take snapshot");
  if (!touched.ok()) rollback();
  return touched;
}

Result<> Connection::commit() {
  // After a failed statement COMMIT would roll back and say yes, as PostgreSQL's does. The look at
  // the catalog fails then.
  Result<> committed = touch_store(handle_->connection.get());
  if (committed.ok()) committed = engine::execute(handle_->commit);
  committed = std::move(committed).context("commit transaction");
  if (!committed.ok()) ignore(engine::execute(handle_->rollback));  // it may be open still
  handle_->in_transaction = false;
  // Others see the change from here on.
  if (std::exchange(handle_->may_change_catalog, false)) ++*handle_->catalog_changes;
  return committed;
}

void Connection::rollback() {
  if (!handle_->in_transaction) return;
  ignore(engine::execute(handle_->rollback));
  handle_->in_transaction = false;
  if (std::exchange(handle_->may_change_catalog, false)) ++*handle_->catalog_changes;
}

bool Connection::in_transaction() const {
  return handle_->in_transaction;
}

void Connection::set_live_rows(std::shared_ptr<const LiveRows> rows) {
  handle_->registration.slot().live_rows = std::move(rows);
}

void Connection::interrupt() {
  duckdb_interrupt(handle_->connection.get());
}

double Connection::progress() {
  const double percent = duckdb_query_progress(handle_->connection.get()).percentage;
  return percent < 0 ? percent : percent / 100;
}

std::string quoted(std::string_view identifier) {
  std::string out = "\"";
  for (const char c : identifier) {
    if (c == '"') out.push_back('"');
    out.push_back(c);
  }
  out.push_back('"');
  return out;
}

std::string folded(std::string_view identifier) {
  std::string out(identifier);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string literal(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out.push_back('\'');
    out.push_back(c);
  }
  out.push_back('\'');
  return out;
}

}  // namespace freshet::engine
