// Paths into json, as a.b[1].c: the engine reads a field of JSON after a point, of JSONB it does
// not. So a statement that it refuses for that is planned again with a cast at the place.
//
// Also list_extract(json, n): the n-th element of an array from 1 on (from the end when negative),
// as the engine's own does it for lists; null when there is none. And list_concat(json): an array
// as a list of json, empty for anything else.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "base/result.h"

struct _duckdb_connection;

namespace freshet::engine {

// Bytes of a statement.
struct Place {
  std::size_t begin = 0;
  std::size_t end = 0;
};

// Where `sql` names what `error` says to be no struct; it becomes (CAST(… AS JSON)) there.
std::optional<Place> path_into_jsonb(std::string_view sql, const Error& error);
inline constexpr std::string_view before_jsonb = "(CAST(";
inline constexpr std::string_view behind_jsonb = " AS JSON))";

Result<> register_json_path(_duckdb_connection* connection);

}  // namespace freshet::engine
