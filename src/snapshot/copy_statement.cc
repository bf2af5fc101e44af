#include "snapshot/copy_statement.h"

#include <fmt/core.h>

#include <set>

#include "postgres/cell.h"
#include "postgres/types.h"

namespace freshet::snapshot {

using postgres::CatalogTable;
using postgres::Connection;

namespace {

// Types whose cast to text is not their output function: inet's adds "/32". The stream sends what
// the output function says, and the copy must say the same.
Result<std::set<std::uint32_t>> types_with_own_cast(Connection& connection,
                                                    const std::vector<std::uint32_t>& types) {
  std::set<std::uint32_t> result;
  if (types.empty()) return result;
  std::string list;
  for (const std::uint32_t type : types) list += fmt::format("{}{}", list.empty() ? "" : ",", type);
  const postgres::Rows rows = TRY(connection.query(fmt::format(
      "SELECT t.oid FROM pg_catalog.pg_type t WHERE t.oid IN ({}) AND (t.typtype = 'd' OR EXISTS "
      "(SELECT 1 FROM pg_catalog.pg_cast c WHERE c.castsource = t.oid AND c.casttarget = {} AND "
      "c.castmethod = 'f'))",
      list, postgres::oid::text)));
  for (const auto& row : rows.rows) {
    result.insert(postgres::number<std::uint32_t>(row[0]));
  }
  return result;
}

}  // namespace

Result<CopyColumns> copy_columns(Connection& connection, const CatalogTable& table) {
  std::vector<std::uint32_t> as_text_types;
  for (const ColumnSchema& column : table.schema.columns) {
    if (!postgres::has_binary_form(column)) as_text_types.push_back(column.pg_type);
  }
  const auto own_cast = TRY(types_with_own_cast(connection, as_text_types));

  CopyColumns columns{.list = {}, .need_query = !as_text_types.empty() || table.generated};
  for (const ColumnSchema& column : table.schema.columns) {
    std::string expression = postgres::quoted(column.name);
    if (own_cast.contains(column.pg_type)) {
      // IS DISTINCT FROM NULL, because a composite of nulls IS NULL and yet has a text.
      expression = fmt::format(
          "CASE WHEN {0} IS DISTINCT FROM NULL THEN pg_catalog.format('%s', {0}) END", expression);
    } else if (!postgres::has_binary_form(column)) {
      expression += "::pg_catalog.text";
    }
    columns.list += (columns.list.empty() ? "" : ", ") + expression;
  }
  return columns;
}

std::string copy_statement(const CopyColumns& columns, const Piece& piece) {
  // A plain COPY of the table is the fastest; it copies the table's own rows and no child's.
  const bool plain = !columns.need_query && !piece.with_partitions && piece.condition.empty();
  if (plain) return fmt::format("COPY {} ({}) TO STDOUT (FORMAT binary)", piece.from, columns.list);
  return fmt::format("COPY (SELECT {} FROM {}{}{}{}) TO STDOUT (FORMAT binary)", columns.list,
                     piece.with_partitions ? "" : "ONLY ", piece.from,
                     piece.condition.empty() ? "" : " WHERE ", piece.condition);
}

}  // namespace freshet::snapshot
