// Copies one table: the statement, its connection, and the way to the sink.
#include <fmt/core.h>

#include <charconv>
#include <set>

#include "base/failpoint.h"
#include "postgres/sqlstate.h"
#include "postgres/types.h"
#include "snapshot/copy_rows.h"
#include "snapshot/snapshot.h"

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
    const std::string oid = row[0].value_or("");
    std::uint32_t type = 0;
    std::from_chars(oid.data(), oid.data() + oid.size(), type);
    result.insert(type);
  }
  return result;
}

Result<std::string> copy_command(Connection& connection, const CatalogTable& table) {
  std::vector<std::uint32_t> as_text_types;
  for (const ColumnSchema& column : table.schema.columns) {
    if (!postgres::has_binary_form(column.pg_type)) as_text_types.push_back(column.pg_type);
  }
  const auto own_cast = TRY(types_with_own_cast(connection, as_text_types));

  std::string columns;
  for (const ColumnSchema& column : table.schema.columns) {
    std::string expression = postgres::quoted(column.name);
    if (own_cast.contains(column.pg_type)) {
      // IS DISTINCT FROM NULL, because a composite of nulls IS NULL and yet has a text.
      expression = fmt::format(
          "CASE WHEN {0} IS DISTINCT FROM NULL THEN pg_catalog.format('%s', {0}) END", expression);
    } else if (!postgres::has_binary_form(column.pg_type)) {
      expression += "::pg_catalog.text";
    }
    columns += (columns.empty() ? "" : ", ") + expression;
  }
  const std::string name =
      postgres::quoted(table.schema.schema) + '.' + postgres::quoted(table.schema.name);
  // A plain COPY of the table is the fastest; it copies the table's own rows and no child's.
  const bool plain = as_text_types.empty() && !table.partitioned && !table.generated;
  return plain ? fmt::format("COPY {} ({}) TO STDOUT (FORMAT binary)", name, columns)
               : fmt::format("COPY (SELECT {} FROM {}{}) TO STDOUT (FORMAT binary)", columns,
                             table.partitioned ? "" : "ONLY ", name);
}

}  // namespace

Result<> copy_table(const std::string& url, const std::string& snapshot_name,
                    const CatalogTable& table, const RowSink& sink, CopyProgress& progress,
                    std::stop_token stop) {
  const std::string what = "copy " + table.schema.qualified_name();
  if (!table.why_not.empty()) {
    return Error{.sqlstate = postgres::sqlstate::feature_not_supported, .message = table.why_not}
        .with_context(what);
  }
  CHECK(!table.schema.columns.empty());
  // Somebody's TRUNCATE or ALTER may be queued between the leader's lock and ours: it waits for the
  // leader, we would wait behind it, and the leader for us. Give up in time; the caller tries
  // again.
  constexpr std::chrono::seconds lock_timeout{10};
  const auto connection =
      TRY(Connection::connect(url, {.lock_timeout = lock_timeout}).context(what));
  TRY(connection
          ->query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT " +
                  postgres::literal(snapshot_name))
          .context(what));
  // One connection is one process on the source; how many there are is for us to say.
  TRY(connection->query("SET LOCAL max_parallel_workers_per_gather = 0").context(what));
  const std::string command = TRY(copy_command(*connection, table).context(what));

  const auto counted_sink = [&](std::span<const Column> columns) -> Result<> {
    TRY(sink(columns));
    progress.rows.fetch_add(columns.front().size(), std::memory_order_relaxed);
    return {};
  };
  CopyRows rows(table.schema, counted_sink, {});
  const auto take = [&](Bytes bytes) -> Result<> {
    progress.bytes.fetch_add(bytes.size(), std::memory_order_relaxed);
    return rows.take(bytes);
  };
  FAILPOINT("snapshot.copy.before");
  TRY(connection->copy_out(command, take, stop).context(what));
  FAILPOINT("snapshot.copy.after");
  TRY(rows.finish().context(what));
  TRY(connection->query("COMMIT").context(what));
  return {};
}

}  // namespace freshet::snapshot
