// DuckDB's errors in our words: SQLSTATE by kind, message, hint and position told apart.
//
// The database is told to report errors as JSON (errors_as_json), because the text form shows the
// place of an error as a picture cut to the width of a terminal. Both forms are understood: some
// errors are made outside of a query and come as text.
#pragma once

#include <string_view>

#include "base/result.h"

struct _duckdb_appender;

namespace freshet::engine {

// `kind` is a duckdb_error_type. `sql` is the text that positions count in; may be empty.
Error engine_error(int kind, std::string_view raw, std::string_view sql = {});

// For calls of the C API that say what went wrong in text only: "Binder Error: …" or JSON.
Error engine_error(std::string_view raw, std::string_view sql = {});

Error engine_error(_duckdb_appender* appender);

}  // namespace freshet::engine
