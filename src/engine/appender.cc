#include "engine/appender.h"

#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <utility>

#include "base/check.h"
#include "duckdb.h"
#include "engine/errors.h"
#include "engine/fill.h"
#include "engine/handles.h"
#include "engine/types.h"

// Of DuckDB 1.5, not yet in the header of 1.4: throws away what was appended and not flushed.
extern "C" duckdb_state duckdb_appender_clear(duckdb_appender appender);

namespace freshet::engine {

struct Appender::Handle {
  ~Handle() {
    // Else closing it would append the rest, possibly after the transaction was rolled back.
    if (appender) duckdb_appender_clear(appender.get());
  }

  OwnedAppender appender;
  OwnedChunk chunk;
  std::vector<Type> types;
  std::size_t rows_max = duckdb_vector_size();  // of the chunk

  // `fill_column(vector, column)` for each column, then hands the chunk on.
  template <typename FillColumn>
  Result<> append_chunk(std::span<const Column> columns, std::size_t rows,
                        const FillColumn& fill_column) {
    duckdb_data_chunk_reset(chunk.get());
    for (std::size_t i = 0; i < columns.size(); ++i) {
      fill_column(duckdb_data_chunk_get_vector(chunk.get(), i), columns[i]);
    }
    duckdb_data_chunk_set_size(chunk.get(), rows);
    if (duckdb_append_data_chunk(appender.get(), chunk.get()) == DuckDBSuccess) return {};
    return engine_error(appender.get()).with_context("append rows");
  }

  void check(std::span<const Column> columns) const {
    CHECK(columns.size() == types.size());
    for (std::size_t i = 0; i < columns.size(); ++i) CHECK(columns[i].type() == types[i]);
  }
};

void Free::operator()(duckdb_appender appender) const {
  duckdb_appender_destroy(&appender);
}

Result<Appender> Appender::open(Connection& connection, std::string_view schema,
                                std::string_view table, std::vector<Type> types) {
  auto handle = std::make_unique<Handle>();
  const std::string schema_name(schema);
  const std::string table_name(table);
  duckdb_appender appender = nullptr;
  const bool opened =
      duckdb_appender_create_ext(connection.handle().connection.get(), "store", schema_name.c_str(),
                                 table_name.c_str(), &appender) == DuckDBSuccess;
  handle->appender.reset(appender);
  const std::string what = fmt::format("open appender of {}.{}", schema, table);
  if (!opened) return engine_error(appender).with_context(what);
  if (duckdb_appender_column_count(appender) != types.size()) {
    return Error{.message = fmt::format("{}: it has {} columns, not {}", what,
                                        duckdb_appender_column_count(appender), types.size())};
  }
  std::vector<OwnedType> owned;
  std::vector<duckdb_logical_type> pointers;
  for (std::size_t i = 0; i < types.size(); ++i) {
    owned.push_back(owned_type(types[i]));
    pointers.push_back(owned.back().get());
    const OwnedType actual(duckdb_appender_column_type(appender, i));
    if (logical_type(actual.get()) == logical_type(pointers.back())) continue;
    return Error{
        .sqlstate = "42804",
        .message = fmt::format("{}: column {} is not {}", what, i + 1, sql_name(types[i]))};
  }
  handle->chunk.reset(duckdb_create_data_chunk(pointers.data(), pointers.size()));
  handle->types = std::move(types);
  return Appender(std::move(handle));
}

Appender::Appender(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}
Appender::Appender(Appender&&) noexcept = default;
Appender& Appender::operator=(Appender&&) noexcept = default;
Appender::~Appender() = default;

Result<> Appender::append(std::span<const Column> columns, std::size_t begin, std::size_t end) {
  handle_->check(columns);
  while (begin < end) {
    const std::size_t rows = std::min(end - begin, handle_->rows_max);
    TRY(handle_->append_chunk(columns, rows, [&](duckdb_vector vector, const Column& column) {
      fill(vector, column, begin, begin + rows, Strings::Borrowed);
    }));
    begin += rows;
  }
  return {};
}

Result<> Appender::append_selected(std::span<const Column> columns,
                                   std::span<const std::uint32_t> rows) {
  handle_->check(columns);
  while (!rows.empty()) {
    const auto part = rows.first(std::min(rows.size(), handle_->rows_max));
    TRY(handle_->append_chunk(columns, part.size(),
                              [&](duckdb_vector vector, const Column& column) {
                                fill(vector, column, part, Strings::Borrowed);
                              }));
    rows = rows.subspan(part.size());
  }
  return {};
}

Result<> Appender::flush() {
  if (duckdb_appender_flush(handle_->appender.get()) == DuckDBSuccess) return {};
  Error error = engine_error(handle_->appender.get());
  // What could not be handed over must not come back with the next flush.
  duckdb_appender_clear(handle_->appender.get());
  return std::move(error).with_context("append rows");
}

}  // namespace freshet::engine
