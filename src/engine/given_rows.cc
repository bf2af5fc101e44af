#include "engine/given_rows.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "duckdb.h"
#include "engine/boxes.h"
#include "engine/fill.h"
#include "engine/types.h"

namespace freshet::engine {

namespace {

using SlotBox = std::shared_ptr<ConnectionSlot>;
using SlotsBox = std::shared_ptr<ConnectionSlots>;

// Plans outlive batches, so they keep the slot; the types of a statement are those of every batch.
void bind(duckdb_bind_info info) {
  const auto& slots = *static_cast<const SlotsBox*>(duckdb_bind_get_extra_info(info));
  duckdb_client_context context = nullptr;
  duckdb_table_function_get_client_context(info, &context);
  SlotBox slot = slots->find(take_connection_id(context));
  if (slot == nullptr || slot->batch == nullptr) {
    return duckdb_bind_set_error(info, "given_rows() is for the server's own statements");
  }
  for (std::size_t i = 0; i < slot->batch->types.size(); ++i) {
    duckdb_bind_add_result_column(info, fmt::format("c{}", i).c_str(),
                                  owned_type(slot->batch->types[i]).get());
  }
  duckdb_bind_set_bind_data(info, boxed(std::move(slot)), drop<SlotBox>);
}

struct Scan {
  const RowBatch* batch;
  std::vector<std::size_t> wanted;  // columns that the statement reads
  std::size_t next = 0;             // how many rows were given
};

void init(duckdb_init_info info) {
  const auto& slot = *static_cast<const SlotBox*>(duckdb_init_get_bind_data(info));
  CHECK(slot->batch != nullptr);
  Scan scan{.batch = slot->batch, .wanted = {}};
  for (idx_t i = 0; i < duckdb_init_get_column_count(info); ++i) {
    scan.wanted.push_back(duckdb_init_get_column_index(info, i));
  }
  duckdb_init_set_init_data(info, boxed(std::move(scan)), drop<Scan>);
  duckdb_init_set_max_threads(info, 1);  // keeps the order
}

void scan(duckdb_function_info info, duckdb_data_chunk output) {
  auto& scan = *static_cast<Scan*>(duckdb_function_get_init_data(info));
  const RowBatch& batch = *scan.batch;
  const bool named = !batch.named.empty();
  const std::size_t all = named ? batch.named.size() : batch.end - batch.begin;
  const std::size_t rows = std::min<std::size_t>(all - scan.next, duckdb_vector_size());
  for (std::size_t i = 0; i < scan.wanted.size(); ++i) {
    if (scan.wanted[i] >= batch.types.size()) continue;  // none is read: rows are only counted
    duckdb_vector vector = duckdb_data_chunk_get_vector(output, i);
    const Column& column = batch.column(scan.wanted[i]);
    if (named) {
      fill(vector, column, batch.named.subspan(scan.next, rows), Strings::Borrowed);
    } else {
      const std::size_t first = batch.begin + scan.next;
      fill(vector, column, first, first + rows, Strings::Borrowed);
    }
  }
  duckdb_data_chunk_set_size(output, rows);
  scan.next += rows;
}

}  // namespace

Result<> register_given_rows(duckdb_connection connection, std::shared_ptr<ConnectionSlots> slots) {
  duckdb_table_function function = duckdb_create_table_function();
  duckdb_table_function_set_name(function, "given_rows");
  duckdb_table_function_set_extra_info(function, boxed(std::move(slots)), drop<SlotsBox>);
  duckdb_table_function_set_bind(function, bind);
  duckdb_table_function_set_init(function, init);
  duckdb_table_function_set_function(function, scan);
  duckdb_table_function_supports_projection_pushdown(function, true);
  const bool registered = duckdb_register_table_function(connection, function) == DuckDBSuccess;
  duckdb_destroy_table_function(&function);
  if (!registered) return Error{.message = "register given_rows: the engine refused it"};
  return {};
}

}  // namespace freshet::engine
