// Functions that read PostgreSQL's texts of values: pg_record(text), the parts of a composite as a
// list of texts; pg_date, pg_time, pg_timestamp, pg_timestamptz and pg_interval, with the years
// before Christ, infinities and 24:00:00 that the engine's own casts do not know.
#pragma once

#include "base/result.h"

struct _duckdb_connection;

namespace freshet::engine {

Result<> register_pg_texts(_duckdb_connection* connection);

}  // namespace freshet::engine
