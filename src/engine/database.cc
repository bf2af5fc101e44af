#include "engine/database.h"

#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "duckdb.h"
#include "engine/connection.h"
#include "engine/errors.h"
#include "engine/given_rows.h"
#include "engine/handles.h"
#include "engine/json_path.h"
#include "engine/json_value.h"
#include "engine/live_function.h"
#include "engine/numeric_value.h"
#include "engine/pg_array.h"
#include "engine/pg_texts.h"
#include "engine/range_functions.h"
#include "engine/range_types.h"
#include "engine/rockset_macros.h"
#include "engine/sortable_types.h"
#include "engine/types.h"

namespace freshet::engine {

namespace {

unsigned thread_count(const DatabaseOptions& options) {
  if (options.threads > 0) return options.threads;
  return std::max(1u, std::thread::hardware_concurrency());
}

Result<OwnedDatabase> start(const DatabaseOptions& options) {
  duckdb_config config = nullptr;
  if (duckdb_create_config(&config) != DuckDBSuccess) {
    return Error{.message = "start engine: no memory for its settings"};
  }
  // It plans for that many and starts none itself: see crew.h.
  const std::string threads = std::to_string(thread_count(options));
  duckdb_set_config(config, "threads", threads.c_str());
  duckdb_set_config(config, "external_threads", threads.c_str());
  if (options.memory_bytes_max > 0) {
    duckdb_set_config(config, "memory_limit", fmt::format("{}B", options.memory_bytes_max).c_str());
  } else {
    duckdb_set_config(config, "memory_limit", "50%");
  }
  duckdb_set_config(config, "autoinstall_known_extensions", "false");
  duckdb_set_config(config, "autoload_known_extensions", "false");
  duckdb_set_config(config, "allow_community_extensions", "false");
  duckdb_set_config(config, "allow_persistent_secrets", "false");
  duckdb_set_config(config, "errors_as_json", "true");  // see errors.h
  duckdb_database database = nullptr;
  char* reason = nullptr;
  const bool opened = duckdb_open_ext(nullptr, &database, config, &reason) == DuckDBSuccess;
  duckdb_destroy_config(&config);
  const OwnedText owned_reason(reason);
  if (!opened) return engine_error(reason == nullptr ? "" : reason).with_context("start engine");
  return OwnedDatabase(database);
}

Result<OwnedConnection> connect_raw(duckdb_database database) {
  duckdb_connection connection = nullptr;
  if (duckdb_connect(database, &connection) != DuckDBSuccess) {
    return Error{
        .fault = Fault::Transient, .sqlstate = "53300", .message = "connect to engine: it refused"};
  }
  return OwnedConnection(connection);
}

// What sessions may still set once everything else is locked. The query layer decides which of
// them clients reach.
constexpr const char* settings_open =
    "['TimeZone', 'Calendar', 'schema', 'search_path', 'integer_division', 'default_null_order', "
    "'default_collation', 'preserve_insertion_order', 'enable_progress_bar', "
    "'enable_progress_bar_print', 'progress_bar_time', 'streaming_buffer_size', "
    "'ieee_floating_point_ops', 'old_implicit_casting', 'order_by_non_integer_literal', "
    "'scalar_subquery_error_on_multiple_rows', 'immediate_transaction_mode', "
    "'disabled_optimizers', 'explain_output', 'enable_profiling', 'profiling_output']";

// The store is attached, not opened directly, so that its catalog is called `store` whatever the
// file is called: a catalog `freshet` beside a schema `freshet` would make the name ambiguous.
//
// The order matters: once external access is off it cannot be turned on again, and only what is
// attached by then may be read and written.
Result<> attach(duckdb_connection connection, EnumTypes& enums, const std::filesystem::path& file) {
  TRY(run(connection,
          fmt::format("SET GLOBAL temp_directory = {}", literal(file.string() + ".tmp"))));
  // Checkpoints happen when checkpoint() is called, never in the middle of a commit.
  TRY(run(connection, "SET GLOBAL wal_autocheckpoint = '1TB'"));
  TRY(run(connection, "SET GLOBAL TimeZone = 'UTC'"));
  TRY(register_types(connection));
  TRY(register_numeric_value(connection));
  TRY(register_numeric_functions(connection));
  TRY(register_sortable_types(connection));
  TRY(register_range_types(connection));
  TRY(register_range_functions(connection));
  TRY(register_pg_texts(connection));
  TRY(register_json_value(connection));
  TRY(register_json_path(connection));
  TRY(enums.register_all(connection));
  TRY(register_rockset_macros(connection));
  Result<> attached = run(connection, fmt::format("ATTACH {} AS store", literal(file.string())))
                          .context("open " + file.string());
  if (!attached.ok()) {
    Error error = std::move(attached).error();
    if (error.sqlstate == "55006") error.hint = "Another process uses this file; stop it first.";
    return error;
  }
  // What begin() looks at to take a snapshot.
  TRY(run(connection, "CREATE SCHEMA IF NOT EXISTS store._engine"));
  TRY(run(connection, "CREATE TABLE IF NOT EXISTS store._engine.anchor (nothing BOOLEAN)"));
  TRY(run(connection, "SET GLOBAL enable_external_access = false"));
  TRY(run(connection, fmt::format("SET GLOBAL allowed_configs = {}", settings_open)));
  TRY(run(connection, "SET GLOBAL lock_configuration = true"));
  return {};
}

}  // namespace

void Free::operator()(duckdb_database database) const {
  duckdb_close(&database);
}

Result<std::unique_ptr<Database>> Database::open(const std::filesystem::path& file,
                                                 DatabaseOptions options) {
  auto handle = std::make_unique<Handle>();
  handle->file = file;
  handle->database = TRY(start(options));
  handle->crew.emplace(handle->database.get(), thread_count(options) - 1);
  OwnedConnection connection = TRY(connect_raw(handle->database.get()));
  TRY(attach(connection.get(), handle->enums, file));
  TRY(register_live(connection.get(), handle->slots));
  TRY(register_given_rows(connection.get(), handle->slots));
  TRY(register_pg_array(connection.get()));
  handle->housekeeping.with([&](OwnedConnection& kept) { kept = std::move(connection); });
  return std::unique_ptr<Database>(new Database(std::move(handle)));
}

Database::Database(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}
Database::~Database() = default;

Result<std::unique_ptr<Connection>> Database::connect(ConnectOptions options) {
  OwnedConnection connection = TRY(connect_raw(handle_->database.get()));
  TRY(run(connection.get(), fmt::format("SET search_path = 'store.main,{}'", functions_schema)));
  // The engine counts progress only when it has a bar to show, so it has one that is not printed.
  // Counting costs a commit a fifth of its time.
  TRY(run(connection.get(), options.progress
                                ? "SET enable_progress_bar = true; SET enable_progress_bar_print = "
                                  "false; SET progress_bar_time = 0"
                                : "SET enable_progress_bar = false"));
  auto handle = std::make_unique<Connection::Handle>(std::move(connection), *handle_);
  handle->begin = TRY(prepare(handle->connection.get(), "BEGIN"));
  handle->commit = TRY(prepare(handle->connection.get(), "COMMIT"));
  handle->rollback = TRY(prepare(handle->connection.get(), "ROLLBACK"));
  return std::make_unique<Connection>(std::move(handle));
}

Result<> Database::checkpoint() {
  return handle_->housekeeping.with([](OwnedConnection& connection) -> Result<> {
    Result<> done = run(connection.get(), "CHECKPOINT store").context("checkpoint store");
    if (done.ok()) return {};
    Error error = std::move(done).error();
    if (error.sqlstate.starts_with("25")) error.fault = Fault::Transient;
    return error;
  });
}

std::uint64_t Database::wal_bytes() const {
  std::error_code missing;
  const auto bytes = std::filesystem::file_size(handle_->file.string() + ".wal", missing);
  return missing ? 0 : bytes;
}

}  // namespace freshet::engine
