// Inside collection/*definitions.cc only: rows of _meta that are about tables, read and written.
#pragma once

#include <fmt/core.h>

#include <iterator>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "collection/definitions.h"
#include "collection/row_parser.h"
#include "engine/connection.h"

namespace freshet::collection {

using Out = std::back_insert_iterator<std::string>;
using TableKey = std::pair<std::uint32_t, std::uint32_t>;  // source and table

struct LoadedTable {
  StoredTable stored;
  TableSchema schema;
  std::map<std::int16_t, std::uint32_t> enum_numbers{};  // engine::enum_number by attnum
};

// Reads a table of _meta that has rows of tables: `read` gets each row behind its source and id.
template <typename Read>
Result<> load(engine::Connection& connection, std::map<TableKey, LoadedTable>& tables,
              std::string_view name, std::string_view columns, std::string_view order,
              Read&& read) {
  const auto rows = TRY(connection.query(
      fmt::format("SELECT source, id, {} FROM store._meta.{} {}", columns, name, order)));
  for (const auto& row : rows) {
    RowParser parse(row);
    const auto source = parse.number<std::uint32_t>();
    const auto id = parse.number<std::uint32_t>();
    read(parse, tables[{source, id}]);
    TRY(parse.done(fmt::format("_meta.{}", name)));
  }
  return {};
}

inline constexpr std::string_view in_order = "ORDER BY source, id, ordinal";

// INSERT INTO store._meta.<name> with the rows that `write` makes of each table, if any.
inline Result<> insert(engine::Connection& connection, std::string_view name,
                       std::span<const StoredTable* const> tables,
                       void (*write)(std::string&, const StoredTable&)) {
  std::string sql = fmt::format("INSERT INTO store._meta.{} VALUES ", name);
  const std::size_t empty = sql.size();
  for (const StoredTable* table : tables) write(sql, *table);
  if (sql.size() == empty) return {};
  sql.pop_back();
  return connection.execute(sql);
}

}  // namespace freshet::collection
