#include "postgres/rows_elsewhere.h"

#include "postgres/cell.h"

namespace freshet::postgres {

namespace {

constexpr const char* in_chunks =
    "it is a hypertable of TimescaleDB: its rows are in chunks, which are tables of their own";
constexpr const char* on_workers =
    "it is distributed by Citus: its rows are on the workers, which are sources of their own";

}  // namespace

Result<std::map<TableId, std::string>> read_rows_elsewhere(Connection& connection) {
  const Rows present = TRY(connection.query(
      "SELECT pg_catalog.to_regclass('_timescaledb_catalog.hypertable') IS NOT NULL, "
      "pg_catalog.to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL"));
  std::map<TableId, std::string> why;
  const auto add = [&](const char* sql, const char* reason) -> Result<> {
    const Rows found = TRY(connection.query(sql));
    for (const auto& row : found.rows) why[TableId{number<std::uint32_t>(row[0])}] = reason;
    return {};
  };
  if (present.rows.at(0)[0] == "t") {
    TRY(
        add("SELECT c.oid FROM _timescaledb_catalog.hypertable h JOIN pg_catalog.pg_namespace n ON "
            "n.nspname = h.schema_name JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND "
            "c.relname = h.table_name",
            in_chunks));
  }
  if (present.rows.at(0)[1] == "t") {
    TRY(add("SELECT logicalrelid::pg_catalog.oid FROM pg_catalog.pg_dist_partition", on_workers));
  }
  return why;
}

}  // namespace freshet::postgres
