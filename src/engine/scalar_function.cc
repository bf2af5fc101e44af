#include "engine/scalar_function.h"

#include <fmt/core.h>

#include "duckdb.h"

namespace freshet::engine {

Result<> register_scalar(duckdb_connection connection, const char* name,
                         std::initializer_list<const OwnedType*> parameters,
                         const OwnedType& result, RunScalar run, const void* extra) {
  duckdb_scalar_function function = duckdb_create_scalar_function();
  duckdb_scalar_function_set_name(function, name);
  for (const OwnedType* type : parameters) {
    duckdb_scalar_function_add_parameter(function, type->get());
  }
  duckdb_scalar_function_set_return_type(function, result.get());
  if (extra != nullptr) {
    // Only ever read; the engine has no other type for it.
    duckdb_scalar_function_set_extra_info(function, const_cast<void*>(extra), nullptr);
  }
  duckdb_scalar_function_set_function(function, run);
  const bool registered = duckdb_register_scalar_function(connection, function) == DuckDBSuccess;
  duckdb_destroy_scalar_function(&function);
  if (registered) return {};
  return Error{.message = fmt::format("register function {}: the engine refused it", name)};
}

}  // namespace freshet::engine
