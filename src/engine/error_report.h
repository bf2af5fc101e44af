// Reads what DuckDB says about an error, in either of its forms: an object of texts in JSON, or
// "Binder Error: …" above a picture of the place.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace freshet::engine {

struct ErrorReport {
  int kind = 0;  // a duckdb_error_type; 0 when not known
  std::string text{};
  std::string subtype{};  // "COLUMN_NOT_FOUND" and the like, or empty
  std::string entry{};    // of MISSING_ENTRY: "Table", "Scalar Function", "Type" …
  std::optional<std::size_t> position{};  // byte in the SQL text, from 0
};

// `sql` is the text that a picture shows a part of; may be empty. Reads anything without failing.
ErrorReport read_error(int kind, std::string_view raw, std::string_view sql);

}  // namespace freshet::engine
