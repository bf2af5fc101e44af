#include "postgres/shape.h"

#include <fmt/core.h>

#include <array>

#include "postgres/cell.h"
#include "postgres/types.h"
#include "postgres/user_types.h"

namespace freshet::postgres {

namespace {

// What rows that are older than the column `a` show in it: whether there is a constant, and its
// text. A partitioned table has no rows itself; its partitions must agree.
constexpr const char* constants =
    "({} SELECT {} FROM below JOIN pg_catalog.pg_class l ON l.oid = below.oid "
    "JOIN pg_catalog.pg_attribute m ON m.attrelid = l.oid AND m.attname = a.attname "
    "WHERE l.relkind = 'r' AND NOT m.attisdropped)";

// An array of one element, whose text the cast gives.
constexpr const char* constant_text =
    "CASE WHEN pg_catalog.array_length(m.attmissingval::text::text[], 1) = 1 "
    "THEN (m.attmissingval::text::text[])[1] END";

// Arrays that are declared with several dimensions are no lists.
Result<> describe_columns(Connection& connection, CatalogShape& shape, const Rows& rows) {
  constexpr std::size_t dimensions = 12;
  std::vector<ColumnSchema*> columns;
  for (CatalogColumn& column : shape.columns) {
    if (column.dropped) continue;
    column.described = {.name = column.name,
                        .type = type_for(column.pg_type, column.pg_typmod),
                        .pg_type = column.pg_type,
                        .pg_typmod = column.pg_typmod,
                        .attnum = column.attnum,
                        .not_null = column.not_null};
    columns.push_back(&column.described);
  }
  TRY(describe_types(connection, columns));
  for (const auto& row : rows.rows) {
    for (CatalogColumn& column : shape.columns) {
      const bool nested = number<int>(row[dimensions]) > 1;
      if (nested && column.attnum == number<std::int16_t>(row[3]) &&
          column.described.type.kind == TypeKind::List) {
        column.described.type = {TypeKind::Text};
      }
    }
  }
  return {};
}

std::string constant_columns(int server_version) {
  if (server_version < 110000) return "false, NULL";
  const std::string some =
      fmt::format(fmt::runtime(constants), partitions_below, "bool_or(m.atthasmissing)");
  const std::string same = fmt::format(
      fmt::runtime(constants), partitions_below,
      fmt::format("CASE WHEN count(*) = count({0}) AND count(DISTINCT {0}) = 1 THEN min({0}) END",
                  constant_text));
  return fmt::format(
      "a.attisdropped IS FALSE AND coalesce({}, false), "
      "CASE WHEN NOT a.attisdropped THEN {} END",
      some, same);
}

}  // namespace

const char* const partitions_below =
    "WITH RECURSIVE below(oid) AS (SELECT c.oid UNION ALL SELECT i.inhrelid "
    "FROM pg_catalog.pg_inherits i JOIN below ON i.inhparent = below.oid WHERE c.relkind = 'p')";

const char* sent_columns(int server_version, Plugin plugin) {
  if (server_version < 120000) return "true";
  const bool stored = server_version >= 180000 || plugin != Plugin::Pgoutput;
  return stored ? "a.attgenerated IN ('', 's')" : "a.attgenerated = ''";
}

std::string catalog_state() {
  return fmt::format(
      "(c.relnatts || '/' || CASE WHEN c.relkind <> 'p' THEN c.relfilenode::text ELSE "
      "coalesce(({} SELECT string_agg(l.oid || ':' || l.relfilenode, ',' ORDER BY l.oid) "
      "FROM below JOIN pg_catalog.pg_class l ON l.oid = below.oid WHERE l.relkind <> 'p'), '-') "
      "END "
      "|| '/' || coalesce((SELECT pg_catalog.md5(string_agg(v.attnum || ':' || v.xmin::text, ',' "
      "ORDER BY v.attnum)) FROM pg_catalog.pg_attribute v WHERE v.attrelid = c.oid AND "
      "v.attnum > 0 AND NOT v.attisdropped), '-') || '/' || "
      "coalesce((SELECT pg_catalog.md5(string_agg(e.oid || ':' || e.enumlabel, ',' ORDER BY "
      "e.oid)) "
      "FROM pg_catalog.pg_attribute v JOIN pg_catalog.pg_type t ON t.oid = v.atttypid "
      "JOIN pg_catalog.pg_enum e ON e.enumtypid = ANY (ARRAY[t.oid, t.typelem, t.typbasetype]) "
      "WHERE v.attrelid = c.oid AND v.attnum > 0 AND NOT v.attisdropped), '-'))",
      partitions_below);
}

std::optional<CatalogState> CatalogState::parse(const std::string& text) {
  std::array<std::string, 4> fields;
  std::size_t at = 0;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::size_t end = i + 1 < fields.size() ? text.find('/', at) : text.size();
    if (end == std::string::npos) return std::nullopt;
    fields[i] = text.substr(at, end - at);
    at = end + 1;
  }
  return CatalogState{.columns = number<int>(fields[0]),
                      .files = fields[1],
                      .versions = fields[2],
                      .labels = fields[3]};
}

std::string CatalogState::to_text() const {
  return fmt::format("{}/{}/{}/{}", columns, files, versions, labels);
}

Result<std::optional<CatalogShape>> read_shape(Connection& connection, TableId id, Plugin plugin) {
  const int version = connection.server_version();
  // One statement, so that all of it is of one moment.
  const Rows rows = TRY(
      connection
          .query(fmt::format(
              "SELECT c.state, c.nspname, c.relname, a.attnum, a.attname, a.atttypid, a.atttypmod, "
              "a.attnotnull, a.attisdropped, {}, {}, a.attndims FROM (SELECT c.oid, "
              "c.relkind, c.relname, n.nspname, {} AS state FROM pg_catalog.pg_class c "
              "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = {} "
              "AND c.relkind IN ('r', 'p') OFFSET 0) c "
              "LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND "
              "a.attnum > 0 ORDER BY a.attnum",
              sent_columns(version, plugin), constant_columns(version), catalog_state(), value(id)))
          .context("read the catalog"));
  if (rows.rows.empty()) return std::optional<CatalogShape>();
  CatalogShape shape;
  shape.schema = rows.rows.front()[1].value_or("");
  shape.name = rows.rows.front()[2].value_or("");
  shape.state = CatalogState::parse(rows.rows.front()[0].value_or("")).value_or(CatalogState{});
  for (const auto& row : rows.rows) {
    if (!row[3]) continue;  // a table without columns
    shape.columns.push_back({.attnum = number<std::int16_t>(row[3]),
                             .name = row[4].value_or(""),
                             .pg_type = number<std::uint32_t>(row[5]),
                             .pg_typmod = number<std::int32_t>(row[6]),
                             .not_null = row[7] == "t",
                             .dropped = row[8] == "t",
                             .sent = row[9] == "t",
                             .has_constant = row[10] == "t",
                             .constant = row[11]});
  }
  TRY(describe_columns(connection, shape, rows).context("read the catalog"));
  return std::optional(std::move(shape));
}

Result<std::string> catalog_fingerprint(Connection& connection) {
  // What belongs to the server itself has lower numbers.
  constexpr const char* tables =
      "c.relkind IN ('r', 'p', 'f', 'c') AND c.relpersistence <> 't' AND c.oid >= 16384";
  const char* const partition = connection.server_version() >= 100000 ? ", c.relispartition" : "";
  const Rows rows = TRY(
      connection
          .query(fmt::format(
              "SELECT concat_ws('/', (SELECT pg_catalog.md5(string_agg(concat_ws(',', c.oid, "
              "c.relname, c.relnamespace, c.relkind, c.relpersistence, c.relreplident, "
              "c.relfilenode, c.relnatts{1}), ';' ORDER BY c.oid)) FROM pg_catalog.pg_class c "
              "WHERE {0}), (SELECT pg_catalog.md5(string_agg(concat_ws(',', a.attrelid, a.attnum, "
              "a.xmin::text), ';' ORDER BY a.attrelid, a.attnum)) FROM pg_catalog.pg_attribute a "
              "JOIN pg_catalog.pg_class c ON c.oid = a.attrelid WHERE a.attnum > 0 AND {0}), "
              "(SELECT pg_catalog.md5(string_agg(concat_ws(',', i.indexrelid, i.indrelid, "
              "i.indisprimary, i.indisreplident, i.indisvalid, i.indimmediate), ';' "
              "ORDER BY i.indexrelid)) FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c "
              "ON c.oid = i.indrelid WHERE {0}), (SELECT pg_catalog.md5(string_agg(concat_ws(',', "
              "i.inhrelid, i.inhparent), ';' ORDER BY i.inhrelid, i.inhparent)) "
              "FROM pg_catalog.pg_inherits i), (SELECT pg_catalog.md5(string_agg(concat_ws(',', "
              "n.oid, n.nspname), ';' ORDER BY n.oid)) FROM pg_catalog.pg_namespace n "
              "WHERE n.nspname !~ '^pg_'), (SELECT pg_catalog.md5(string_agg(concat_ws(',', "
              "e.oid, e.enumlabel), ';' ORDER BY e.oid)) FROM pg_catalog.pg_enum e))",
              tables, partition))
          .context("watch the catalog"));
  return rows.rows.at(0)[0].value_or("");
}

}  // namespace freshet::postgres
