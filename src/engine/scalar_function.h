// A function of one row, made known to the engine.
#pragma once

#include <initializer_list>

#include "base/result.h"
#include "engine/handles.h"

struct _duckdb_function_info;

namespace freshet::engine {

// Fills `output` from the vectors of `input`; nulls are its to see to.
using RunScalar = void (*)(_duckdb_function_info* info, _duckdb_data_chunk* input,
                           _duckdb_vector* output);

// Beside others of the name that take other types. `extra` is what the function finds as its extra
// info; it outlives the database.
Result<> register_scalar(_duckdb_connection* connection, const char* name,
                         std::initializer_list<const OwnedType*> parameters,
                         const OwnedType& result, RunScalar run, const void* extra = nullptr);

}  // namespace freshet::engine
