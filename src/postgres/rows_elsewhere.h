// Tables that hold no rows themselves, because an extension keeps them elsewhere: hypertables of
// TimescaleDB, whose rows are in chunks, and distributed tables of Citus, whose rows are on other
// servers. Their changes are not sent under their names, so a copy of them would stay empty.
//
// Source: the catalogs of the extensions: _timescaledb_catalog.hypertable, pg_dist_partition.
#pragma once

#include <map>
#include <string>

#include "base/result.h"
#include "model/schema.h"
#include "postgres/connection.h"

namespace freshet::postgres {

// Where TimescaleDB keeps its own tables, and chunks: as a regular expression of SQL.
inline constexpr const char* timescale_schemas = "^_timescaledb_";

// Why each cannot be mirrored: "it is a hypertable of TimescaleDB: …".
Result<std::map<TableId, std::string>> read_rows_elsewhere(Connection& connection);

}  // namespace freshet::postgres
