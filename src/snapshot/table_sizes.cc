#include "snapshot/table_sizes.h"

#include <fmt/core.h>

#include <cstdlib>
#include <string>

#include "postgres/cell.h"

namespace freshet::snapshot {

Result<std::map<TableId, TableSize>> table_sizes(postgres::Connection& connection,
                                                 std::span<const TableId> tables) {
  std::map<TableId, TableSize> sizes;
  if (tables.empty()) return sizes;
  std::string ids;
  for (const TableId table : tables) ids += (ids.empty() ? "" : ",") + std::to_string(value(table));
  // Before the first ANALYZE there is only what the statistics have counted.
  const bool trees = connection.server_version() >= 120000;
  const postgres::Rows rows = TRY(connection.query(fmt::format(
      "SELECT c.oid, sum(nullif(greatest(l.reltuples, pg_catalog.pg_stat_get_live_tuples(l.oid)), "
      "0)), sum(greatest(l.relpages, pg_catalog.pg_stat_get_live_tuples(l.oid) / 100)) "
      "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_class l ON l.oid = c.oid{} "
      "WHERE c.oid IN ({}) GROUP BY c.oid",
      trees ? " OR (c.relkind = 'p' AND l.oid IN (SELECT relid FROM "
              "pg_catalog.pg_partition_tree(c.oid)))"
            : "",
      ids)));
  for (const auto& row : rows.rows) {
    TableSize& size = sizes[TableId{postgres::number<std::uint32_t>(row[0])}];
    if (row[1]) size.rows = std::strtod(row[1]->c_str(), nullptr);
    size.pages = postgres::number<std::uint64_t>(row[2]);
  }
  return sizes;
}

}  // namespace freshet::snapshot
