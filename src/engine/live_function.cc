#include "engine/live_function.h"

#include <cstring>
#include <utility>

#include "duckdb.h"
#include "engine/boxes.h"

namespace freshet::engine {

namespace {

using SlotBox = std::shared_ptr<ConnectionSlot>;
using SlotsBox = std::shared_ptr<ConnectionSlots>;

// Plans outlive versions and are copied freely, so they keep the slot, never the rows in it.
void bind(duckdb_bind_info info) {
  const auto& slots =
      *static_cast<const SlotsBox*>(duckdb_scalar_function_bind_get_extra_info(info));
  duckdb_client_context context = nullptr;
  duckdb_scalar_function_get_client_context(info, &context);
  SlotBox slot = slots->find(take_connection_id(context));
  if (slot == nullptr) {
    duckdb_scalar_function_bind_set_error(info, "live() is for the connections of the server");
    return;
  }
  duckdb_scalar_function_set_bind_data(info, boxed(std::move(slot)), drop<SlotBox>);
  duckdb_scalar_function_set_bind_data_copy(
      info, [](void* box) { return boxed(SlotBox(*static_cast<const SlotBox*>(box))); });
}

void test(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
  const auto& slot = *static_cast<const SlotBox*>(duckdb_scalar_function_get_bind_data(info));
  const std::size_t count = duckdb_data_chunk_get_size(input);
  bool* const out = static_cast<bool*>(duckdb_vector_get_data(output));
  if (slot->live_rows == nullptr) {
    std::memset(out, 1, count);
    return;
  }
  // The segment is a literal in every view, so all rows of a chunk have the same.
  const auto* const segments = static_cast<const std::uint32_t*>(
      duckdb_vector_get_data(duckdb_data_chunk_get_vector(input, 0)));
  const auto* const rows = static_cast<const std::int64_t*>(
      duckdb_vector_get_data(duckdb_data_chunk_get_vector(input, 1)));
  if (count > 0) slot->live_rows->test(segments[0], rows, count, out);
}

}  // namespace

Result<> register_live(duckdb_connection connection, std::shared_ptr<ConnectionSlots> slots) {
  duckdb_scalar_function function = duckdb_create_scalar_function();
  duckdb_scalar_function_set_name(function, "live");
  for (const duckdb_type id : {DUCKDB_TYPE_UINTEGER, DUCKDB_TYPE_BIGINT}) {
    duckdb_logical_type type = duckdb_create_logical_type(id);
    duckdb_scalar_function_add_parameter(function, type);
    duckdb_destroy_logical_type(&type);
  }
  duckdb_logical_type boolean = duckdb_create_logical_type(DUCKDB_TYPE_BOOLEAN);
  duckdb_scalar_function_set_return_type(function, boolean);
  duckdb_destroy_logical_type(&boolean);
  // Else two calls with equal arguments might be folded into one across versions.
  duckdb_scalar_function_set_volatile(function);
  duckdb_scalar_function_set_extra_info(function, boxed(std::move(slots)), drop<SlotsBox>);
  duckdb_scalar_function_set_bind(function, bind);
  duckdb_scalar_function_set_function(function, test);
  const bool registered = duckdb_register_scalar_function(connection, function) == DuckDBSuccess;
  duckdb_destroy_scalar_function(&function);
  if (!registered) return Error{.message = "register function live: the engine refused it"};
  return {};
}

}  // namespace freshet::engine
