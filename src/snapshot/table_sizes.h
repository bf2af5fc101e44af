// How large tables are, by what PostgreSQL keeps in mind: no table is touched for it, so none that
// somebody has locked is waited for.
#pragma once

#include <cstdint>
#include <map>
#include <span>

#include "base/result.h"
#include "model/schema.h"
#include "postgres/connection.h"

namespace freshet::snapshot {

struct TableSize {
  double rows = -1;  // negative when nobody has counted
  std::uint64_t pages = 0;
};

// With their partitions. Tables that are gone are left out.
Result<std::map<TableId, TableSize>> table_sizes(postgres::Connection& connection,
                                                 std::span<const TableId> tables);

}  // namespace freshet::snapshot
