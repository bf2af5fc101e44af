// Types on the border: from model/type.h to the engine, from the engine to statement.h.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/handles.h"
#include "engine/statement.h"
#include "model/type.h"

struct _duckdb_function_info;

namespace freshet::engine {

// Names of the engine's types that we add. Both hold text; sql_name() in appender.h tells when.
inline constexpr const char* numeric_alias = "NUMERIC_TEXT";
inline constexpr const char* jsonb_alias = "JSONB";

OwnedType owned_type(Type type);
OwnedType numeric_value_type();  // numeric_value.h
LogicalType logical_type(_duckdb_logical_type* type);

// Rows of one type made into rows of another; false when one of them cannot be.
using CastRows = bool (*)(_duckdb_function_info* info, std::uint64_t count, _duckdb_vector* input,
                          _duckdb_vector* output);
// A cast of the whole database. Used where nobody wrote a cast when it has an implicit cost: the
// cheapest one wins. `extra` is what the function finds as its extra info; it outlives the
// database.
Result<> register_cast(_duckdb_connection* connection, const OwnedType& from, const OwnedType& to,
                       std::optional<std::int64_t> implicit_cost, CastRows cast_rows,
                       const void* extra = nullptr);

// The engine's bytes under a name of ours.
OwnedType bytes_called(const char* alias);
// Makes the name known.
Result<> register_type(_duckdb_connection* connection, const OwnedType& type);

// What it costs a type of ours to become text by itself: more than to stay what it is.
inline constexpr std::int64_t as_text_cost = 20;

// Registers the aliases and the casts that let functions for text and JSON take them.
Result<> register_types(_duckdb_connection* connection);

}  // namespace freshet::engine
