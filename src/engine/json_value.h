// shown_json(value): any value as JSON, as the engine's own to_json writes it, but that numbers
// keep their digits (NaN and infinities are texts, as PostgreSQL has them), json stays as it is,
// and types of ours are numbers or their texts, of which the engine's own would write the bytes.
// to_json and its kin are macros of it, and json_object( and others are written so that their
// arguments go through it (query/rewrite.cc).
#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"

struct _duckdb_connection;

namespace freshet::engine {

class DuckVector;

void append_json(std::string& out, const DuckVector& vector, std::size_t row);

Result<> register_json_value(_duckdb_connection* connection);

}  // namespace freshet::engine
