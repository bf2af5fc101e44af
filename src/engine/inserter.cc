#include "engine/inserter.h"

#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <utility>

#include "base/check.h"
#include "duckdb.h"
#include "engine/fill.h"
#include "engine/handles.h"
#include "engine/types.h"

namespace freshet::engine {

// The rows that the running statement inserts. They stay where they are while it runs.
struct RowBatch {
  std::span<const Type> types;
  std::span<const Column> columns;
  std::size_t begin = 0;  // rows [begin, end), unless they are named
  std::size_t end = 0;
  std::span<const std::uint32_t> named;
};

namespace {

using SlotBox = std::shared_ptr<ConnectionSlot>;
using SlotsBox = std::shared_ptr<ConnectionSlots>;

template <typename T>
void* boxed(T value) {
  return new T(std::move(value));
}

template <typename T>
void drop(void* box) {
  delete static_cast<T*>(box);
}

// Plans outlive batches, so they keep the slot; the types are those of the table, at every batch.
void bind(duckdb_bind_info info) {
  const auto& slots = *static_cast<const SlotsBox*>(duckdb_bind_get_extra_info(info));
  duckdb_client_context context = nullptr;
  duckdb_table_function_get_client_context(info, &context);
  SlotBox slot = slots->find(take_connection_id(context));
  if (slot == nullptr || slot->batch == nullptr) {
    return duckdb_bind_set_error(info, "inserted_rows() is for the server's own statements");
  }
  for (std::size_t i = 0; i < slot->batch->types.size(); ++i) {
    duckdb_bind_add_result_column(info, fmt::format("c{}", i).c_str(),
                                  owned_type(slot->batch->types[i]).get());
  }
  duckdb_bind_set_bind_data(info, boxed(std::move(slot)), drop<SlotBox>);
}

struct Scan {
  const RowBatch* batch;
  std::size_t next = 0;  // how many rows were given
};

void init(duckdb_init_info info) {
  const auto& slot = *static_cast<const SlotBox*>(duckdb_init_get_bind_data(info));
  CHECK(slot->batch != nullptr);
  duckdb_init_set_init_data(info, boxed(Scan{slot->batch}), drop<Scan>);
  duckdb_init_set_max_threads(info, 1);  // keeps the order
}

void scan(duckdb_function_info info, duckdb_data_chunk output) {
  auto& scan = *static_cast<Scan*>(duckdb_function_get_init_data(info));
  const RowBatch& batch = *scan.batch;
  const bool named = !batch.named.empty();
  const std::size_t all = named ? batch.named.size() : batch.end - batch.begin;
  const std::size_t rows = std::min<std::size_t>(all - scan.next, duckdb_vector_size());
  for (std::size_t i = 0; i < batch.columns.size(); ++i) {
    duckdb_vector vector = duckdb_data_chunk_get_vector(output, i);
    if (named) {
      fill(vector, batch.columns[i], batch.named.subspan(scan.next, rows), Strings::Borrowed);
    } else {
      const std::size_t first = batch.begin + scan.next;
      fill(vector, batch.columns[i], first, first + rows, Strings::Borrowed);
    }
  }
  duckdb_data_chunk_set_size(output, rows);
  scan.next += rows;
}

}  // namespace

struct Inserter::Handle {
  Connection::Handle& connection;
  std::string table;  // qualified
  std::vector<Type> types;
  OwnedStatement statement{};
  std::uint64_t planned_at = 0;  // of CatalogChanges

  Result<> plan();
  Result<> run(const RowBatch& batch);
};

Result<> Inserter::Handle::plan() {
  planned_at = connection.catalog_changes->load();
  const RowBatch shape{.types = types, .columns = {}, .named = {}};
  ConnectionSlot& slot = connection.registration.slot();
  slot.batch = &shape;
  Result<OwnedStatement> prepared = prepare(
      connection.connection.get(), fmt::format("INSERT INTO {} FROM inserted_rows()", table));
  slot.batch = nullptr;
  statement = TRY(std::move(prepared).context("insert into " + table));
  return {};
}

Result<> Inserter::Handle::run(const RowBatch& batch) {
  CHECK(batch.columns.size() == types.size());
  for (std::size_t i = 0; i < types.size(); ++i) CHECK(batch.columns[i].type() == types[i]);
  if (planned_at != connection.catalog_changes->load()) TRY(plan());
  ConnectionSlot& slot = connection.registration.slot();
  slot.batch = &batch;
  Result<> inserted = execute(statement);
  slot.batch = nullptr;
  return std::move(inserted).context("insert rows");
}

Result<Inserter> Inserter::open(Connection& connection, std::string_view schema,
                                std::string_view table, std::vector<Type> types) {
  auto handle = std::make_unique<Handle>(
      Handle{connection.handle(), fmt::format("store.{}.{}", quoted(schema), quoted(table)),
             std::move(types)});
  TRY(handle->plan());
  return Inserter(std::move(handle));
}

Inserter::Inserter(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}
Inserter::Inserter(Inserter&&) noexcept = default;
Inserter& Inserter::operator=(Inserter&&) noexcept = default;
Inserter::~Inserter() = default;

Result<> Inserter::insert(std::span<const Column> columns, std::size_t begin, std::size_t end) {
  if (begin == end) return {};
  return handle_->run(
      {.types = handle_->types, .columns = columns, .begin = begin, .end = end, .named = {}});
}

Result<> Inserter::insert_selected(std::span<const Column> columns,
                                   std::span<const std::uint32_t> rows) {
  if (rows.empty()) return {};
  return handle_->run({.types = handle_->types, .columns = columns, .named = rows});
}

Result<> register_inserted_rows(duckdb_connection connection,
                                std::shared_ptr<ConnectionSlots> slots) {
  duckdb_table_function function = duckdb_create_table_function();
  duckdb_table_function_set_name(function, "inserted_rows");
  duckdb_table_function_set_extra_info(function, boxed(std::move(slots)), drop<SlotsBox>);
  duckdb_table_function_set_bind(function, bind);
  duckdb_table_function_set_init(function, init);
  duckdb_table_function_set_function(function, scan);
  const bool registered = duckdb_register_table_function(connection, function) == DuckDBSuccess;
  duckdb_destroy_table_function(&function);
  if (!registered) return Error{.message = "register inserted_rows: the engine refused it"};
  return {};
}

}  // namespace freshet::engine
