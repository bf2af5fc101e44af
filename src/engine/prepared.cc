#include "engine/prepared.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <string>
#include <utility>

#include "duckdb.h"
#include "engine/chunk.h"
#include "engine/errors.h"
#include "engine/handles.h"
#include "engine/types.h"

namespace freshet::engine {

namespace {

// Types of later versions than our header cannot be read; TIME_NS can.
bool readable(duckdb_logical_type type) {
  const duckdb_type id = duckdb_get_type_id(type);
  return logical_type(type).kind != LogicalKind::Other || id == DUCKDB_TYPE_TIME_NS;
}

class DuckRows final : public RowStream {
 public:
  // Takes the result over.
  DuckRows(duckdb_result result, ResultColumns columns, Crew::Shift help)
      : result_(result), columns_(std::move(columns)), help_(std::move(help)) {}
  ~DuckRows() override { duckdb_destroy_result(&result_); }
  DuckRows(const DuckRows&) = delete;
  DuckRows& operator=(const DuckRows&) = delete;

  const std::vector<ResultColumn>& columns() const override { return *columns_; }

  Result<std::unique_ptr<Chunk>> next() override {
    if (columns_->empty()) return std::unique_ptr<Chunk>();
    OwnedChunk chunk(duckdb_fetch_chunk(result_));
    if (chunk) return make_chunk(std::move(chunk), columns_);
    const char* const reason = duckdb_result_error(&result_);
    if (reason == nullptr || *reason == '\0') return std::unique_ptr<Chunk>();
    return engine_error(duckdb_result_error_type(&result_), reason);
  }

 private:
  duckdb_result result_;
  ResultColumns columns_;
  Crew::Shift help_;
};

class DuckStatement final : public Statement {
 public:
  DuckStatement(OwnedStatement statement, Crew& crew, std::string sql, bool reads_only)
      : statement_(std::move(statement)),
        crew_(crew),
        sql_(std::move(sql)),
        reads_only_(reads_only) {}

  std::size_t parameter_count() const override { return duckdb_nparams(statement_.get()); }
  LogicalType parameter_type(std::size_t index) const override {
    const OwnedType type(duckdb_param_logical_type(statement_.get(), index + 1));
    return type ? logical_type(type.get()) : LogicalType{.kind = LogicalKind::Null};
  }
  const std::vector<ResultColumn>& columns() const override { return *columns_; }
  bool reads_only() const override { return reads_only_; }

  Result<> bind_null(std::size_t index) override {
    return bound(duckdb_bind_null(statement_.get(), index + 1), index);
  }
  Result<> bind_text(std::size_t index, std::string_view value) override {
    return bound(
        duckdb_bind_varchar_length(statement_.get(), index + 1, value.data(), value.size()), index);
  }
  Result<> bind_int64(std::size_t index, std::int64_t value) override {
    return bound(duckdb_bind_int64(statement_.get(), index + 1, value), index);
  }
  Result<> bind_double(std::size_t index, double value) override {
    return bound(duckdb_bind_double(statement_.get(), index + 1, value), index);
  }
  Result<> bind_bool(std::size_t index, bool value) override {
    return bound(duckdb_bind_boolean(statement_.get(), index + 1, value), index);
  }
  Result<> bind_bytes(std::size_t index, Bytes value) override {
    return bound(duckdb_bind_blob(statement_.get(), index + 1, value.data(), value.size()), index);
  }

  Result<std::unique_ptr<RowStream>> execute() override;

  // Learns the columns before the first execution.
  Result<> describe();

 private:
  Result<> bound(duckdb_state state, std::size_t index) const {
    if (state == DuckDBSuccess) return {};
    const char* const reason = duckdb_prepare_error(statement_.get());
    return engine_error(DUCKDB_ERROR_INVALID_INPUT, reason == nullptr ? "" : reason)
        .with_context(fmt::format("bind parameter ${}", index + 1));
  }
  bool gives_rows() const;

  OwnedStatement statement_;
  Crew& crew_;
  std::string sql_;
  bool reads_only_;
  ResultColumns columns_ = std::make_shared<std::vector<ResultColumn>>();
};

Error unreadable(std::string_view column) {
  return Error{.sqlstate = "0A000",
               .message = fmt::format("column \"{}\" has a type that cannot be sent", column),
               .hint = "Cast it to VARCHAR."};
}

// INSERT and its kin answer with one column "Count" unless they have RETURNING; others that change
// something answer with "Success" or nothing.
bool DuckStatement::gives_rows() const {
  switch (duckdb_prepared_statement_type(statement_.get())) {
    case DUCKDB_STATEMENT_TYPE_SELECT:
    case DUCKDB_STATEMENT_TYPE_EXPLAIN:
    case DUCKDB_STATEMENT_TYPE_EXECUTE:
    case DUCKDB_STATEMENT_TYPE_RELATION:
    case DUCKDB_STATEMENT_TYPE_CALL:
    case DUCKDB_STATEMENT_TYPE_LOGICAL_PLAN:
    case DUCKDB_STATEMENT_TYPE_PRAGMA: return true;
    case DUCKDB_STATEMENT_TYPE_INSERT:
    case DUCKDB_STATEMENT_TYPE_UPDATE:
    case DUCKDB_STATEMENT_TYPE_DELETE: {
      if (duckdb_prepared_statement_column_count(statement_.get()) != 1) return true;
      const OwnedText name(
          const_cast<char*>(duckdb_prepared_statement_column_name(statement_.get(), 0)));
      return std::string_view(name.get()) != "Count";
    }
    default: return false;
  }
}

Result<> DuckStatement::describe() {
  if (!gives_rows()) return {};
  std::vector<ResultColumn> columns;
  const idx_t count = duckdb_prepared_statement_column_count(statement_.get());
  for (idx_t i = 0; i < count; ++i) {
    const OwnedText name(
        const_cast<char*>(duckdb_prepared_statement_column_name(statement_.get(), i)));
    const OwnedType type(duckdb_prepared_statement_column_logical_type(statement_.get(), i));
    columns.push_back({name ? name.get() : "", {.kind = LogicalKind::Null}});
    if (type == nullptr) continue;
    if (!readable(type.get())) return unreadable(columns.back().name);
    columns.back().type = logical_type(type.get());
  }
  columns_ = std::make_shared<const std::vector<ResultColumn>>(std::move(columns));
  return {};
}

Result<std::unique_ptr<RowStream>> DuckStatement::execute() {
  Crew::Shift help = crew_.call();
  duckdb_pending_result made = nullptr;
  const bool started = duckdb_pending_prepared_streaming(statement_.get(), &made) == DuckDBSuccess;
  const OwnedPending pending(made);
  if (!started) {
    const char* const reason = duckdb_pending_error(pending.get());
    return engine_error(reason == nullptr ? "" : reason, sql_);
  }
  duckdb_result result{};
  if (duckdb_execute_pending(pending.get(), &result) != DuckDBSuccess) {
    Error error =
        engine_error(duckdb_result_error_type(&result), duckdb_result_error(&result), sql_);
    duckdb_destroy_result(&result);
    return error;
  }
  // Parameters may have decided the types, so these count and not those of describe().
  auto columns = std::make_shared<std::vector<ResultColumn>>();
  const idx_t count = gives_rows() ? duckdb_column_count(&result) : 0;
  for (idx_t i = 0; i < count; ++i) {
    const OwnedType type(duckdb_column_logical_type(&result, i));
    columns->push_back({duckdb_column_name(&result, i), logical_type(type.get())});
    if (readable(type.get())) continue;
    duckdb_destroy_result(&result);
    return unreadable(columns->back().name);
  }
  return std::unique_ptr<RowStream>(
      std::make_unique<DuckRows>(result, std::move(columns), std::move(help)));
}

// The keyword at the front of `sql`, in capitals, which is taken off with the blanks and comments
// before it.
std::string take_keyword(std::string_view& sql) {
  for (;;) {
    while (!sql.empty() && std::isspace(static_cast<unsigned char>(sql.front())) != 0) {
      sql.remove_prefix(1);
    }
    if (sql.starts_with("--")) {
      sql.remove_prefix(std::min(sql.find('\n'), sql.size()));
    } else if (sql.starts_with("/*")) {
      const std::size_t end = sql.find("*/");
      sql.remove_prefix(end == std::string_view::npos ? sql.size() : end + 2);
    } else {
      break;
    }
  }
  std::string keyword;
  while (!sql.empty() && std::isalpha(static_cast<unsigned char>(sql.front())) != 0) {
    keyword.push_back(static_cast<char>(std::toupper(static_cast<unsigned char>(sql.front()))));
    sql.remove_prefix(1);
  }
  return keyword;
}

// EXPLAIN ANALYZE executes what it explains; then that must be harmless too.
bool explains_harmlessly(duckdb_connection connection, std::string_view sql) {
  if (take_keyword(sql) != "EXPLAIN") return false;
  std::string_view inner = sql;
  const std::string next = take_keyword(inner);
  if (next == "ANALYZE" || next == "ANALYSE") {
    sql = inner;
  } else if (next.empty() && inner.starts_with('(')) {
    sql = inner.substr(std::min(inner.find(')'), inner.size() - 1) + 1);
  } else {
    return true;
  }
  const Result<OwnedStatement> explained = prepare(connection, sql);
  return explained.ok() &&
         duckdb_prepared_statement_type(explained->get()) == DUCKDB_STATEMENT_TYPE_SELECT;
}

bool is_read_only(duckdb_connection connection, duckdb_prepared_statement statement,
                  std::string_view sql) {
  switch (duckdb_prepared_statement_type(statement)) {
    case DUCKDB_STATEMENT_TYPE_SELECT: return true;
    case DUCKDB_STATEMENT_TYPE_EXPLAIN: return explains_harmlessly(connection, sql);
    default: return false;
  }
}

}  // namespace

Result<std::unique_ptr<Statement>> prepare_statement(Connection::Handle& connection,
                                                     std::string_view sql) {
  OwnedStatement owned = TRY(prepare(connection.connection.get(), sql));
  const bool reads_only = is_read_only(connection.connection.get(), owned.get(), sql);
  auto statement = std::make_unique<DuckStatement>(std::move(owned), connection.crew,
                                                   std::string(sql), reads_only);
  TRY(statement->describe());
  return std::unique_ptr<Statement>(std::move(statement));
}

}  // namespace freshet::engine
