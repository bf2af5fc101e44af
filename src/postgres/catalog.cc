#include "postgres/catalog.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "postgres/cell.h"
#include "postgres/rows_elsewhere.h"
#include "postgres/shape.h"
#include "postgres/sqlstate.h"
#include "postgres/types.h"
#include "postgres/user_types.h"

namespace freshet::postgres {

namespace {

const std::string& text_of(const std::optional<std::string>& value) {
  static const std::string empty;
  return value ? *value : empty;
}

// The pieces of SQL that differ between server versions.
struct Dialect {
  bool roots;                  // partitions are mirrored through their root
  bool partitions;             // there can be some
  const char* generated;       // how a column is generated, '' when it is not
  const char* sent;            // true for a column that is sent
  const char* key_attributes;  // of an index, without INCLUDE columns
  // A column that is not sent makes updates fail on the source once a table that is identified by
  // whole rows is published.
  bool generated_spoils_full;
  bool sends_virtual;  // virtual columns come as if they were ordinary ones
};

Dialect dialect_of(int server_version, Plugin plugin) {
  const bool pgoutput = plugin == Plugin::Pgoutput;
  return {.roots = pgoutput && server_version >= 130000,
          .partitions = server_version >= 100000,
          .generated = server_version >= 120000 ? "a.attgenerated" : "''",
          .sent = sent_columns(server_version, plugin),
          .key_attributes = server_version >= 110000 ? "i.indnkeyatts" : "i.indnatts",
          .generated_spoils_full = pgoutput && server_version >= 180000,
          .sends_virtual = !pgoutput};
}

// Which tables are candidates at all: `c` is pg_class, `n` its schema.
std::string candidates(const Dialect& dialect) {
  return fmt::format(
      "c.relkind {} AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND "
      "n.nspname <> 'information_schema' AND n.nspname !~ '{}' AND {}",
      dialect.roots ? "IN ('r', 'p')" : "= 'r'", timescale_schemas,
      dialect.roots ? "NOT c.relispartition" : "true");
}

// The index that identifies rows when PostgreSQL writes them to the WAL: `k.indexrelid`, null
// without one. Deferrable keys do not count, neither do invalid ones.
constexpr const char* identity_index =
    "LEFT JOIN LATERAL (SELECT i.* FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND "
    "i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND CASE c.relreplident "
    "WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident ELSE false END LIMIT 1) "
    "k ON true";

// A partition's identity is its own affair; only when every leaf sends what the root promises, can
// updates be decoded through the root, and do they not fail at all on the source.
std::string leaves_agree() {
  return fmt::format(
      "NOT EXISTS ({} SELECT 1 FROM below JOIN pg_catalog.pg_class l ON l.oid = below.oid WHERE "
      "l.relkind = 'r' AND "
      "l.relreplident <> 'f' AND (l.relreplident = 'n' OR c.relreplident = 'f' OR "
      "NOT EXISTS (SELECT 1 FROM pg_catalog.pg_index li WHERE li.indrelid = l.oid AND "
      "li.indisvalid AND CASE l.relreplident WHEN 'd' THEN li.indisprimary "
      "ELSE li.indisreplident END AND pg_catalog.pg_partition_root(li.indexrelid) = "
      "k.indexrelid)))",
      partitions_below);
}

std::string tables_sql(const Dialect& dialect, const std::string& condition, Sizes sizes) {
  // Sizes come from the planner's figures, which need no lock; only a table that was never
  // analysed is measured.
  const std::string bytes = std::string(
                                "CASE WHEN {0}.relpages > 0 THEN {0}.relpages::bigint * "
                                "pg_catalog.current_setting('block_size')::bigint ELSE ") +
                            (sizes == Sizes::Measured ? "pg_catalog.pg_table_size({0}.oid)" : "0") +
                            " END";
  const std::string rows =
      "CASE WHEN {0}.relpages = 0 AND {0}.reltuples <= 0 THEN -1 ELSE {0}.reltuples END";
  const auto of = [](const std::string& form, const char* alias) {
    return fmt::format(fmt::runtime(form), alias);
  };
  const auto of_leaves = [&](const std::string& form) {
    return fmt::format(
        "({} SELECT pg_catalog.sum({}) FROM below JOIN pg_catalog.pg_class l ON l.oid = below.oid "
        "WHERE l.relkind = 'r')",
        partitions_below, form);
  };
  const bool roots = dialect.roots;
  return fmt::format(
      "SELECT c.oid, n.nspname, c.relname, c.relkind, c.relpersistence, c.relreplident, "
      "k.indexrelid, {} AS leaves_agree, {} AS rows, {} AS bytes, {} AS catalog "
      "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace {} "
      "WHERE {} ORDER BY n.nspname, c.relname",
      roots ? fmt::format("c.relkind <> 'p' OR {}", leaves_agree()) : "true",
      roots ? fmt::format("CASE c.relkind WHEN 'p' THEN {} ELSE {} END",
                          of_leaves("nullif(greatest(l.reltuples, 0), 0)"), of(rows, "c"))
            : of(rows, "c"),
      roots ? fmt::format("CASE c.relkind WHEN 'p' THEN {} ELSE {} END", of_leaves(of(bytes, "l")),
                          of(bytes, "c"))
            : of(bytes, "c"),
      catalog_state(), identity_index, condition);
}

std::string columns_sql(const Dialect& dialect, const std::string& condition) {
  return fmt::format(
      "SELECT a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull, "
      "coalesce(a.attnum = ANY ((SELECT (i.indkey::int2[])[0:{} - 1] FROM pg_catalog.pg_index i "
      "WHERE i.indexrelid = k.indexrelid)::int2[]), false), {} AS sent, {} <> '' AS generated, "
      "a.attndims "
      "FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid "
      "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace {} "
      "WHERE a.attnum > 0 AND NOT a.attisdropped AND {} ORDER BY a.attrelid, a.attnum",
      dialect.key_attributes, dialect.sent, dialect.generated, identity_index, condition);
}

bool is_true(const std::optional<std::string>& value) {
  return value == "t";
}

CatalogTable table_of(const std::vector<std::optional<std::string>>& row) {
  CatalogTable table;
  table.schema.id = TableId{number<std::uint32_t>(row[0])};
  table.schema.schema = text_of(row[1]);
  table.schema.name = text_of(row[2]);
  table.partitioned = row[3] == "p";
  if (row[4] == "u") table.why_not = "unlogged tables are not replicated";
  const bool full = row[5] == "f";
  const bool usable = (full || row[6].has_value()) && is_true(row[7]);
  table.schema.identity = !usable ? Identity::None : (full ? Identity::Full : Identity::Key);
  table.rows_estimated = row[8] ? number<double>(row[8]) : -1;
  table.bytes = number<std::uint64_t>(row[9]);
  table.catalog = text_of(row[10]);
  return table;
}

struct NotSent {
  bool any = false;     // a column that is not sent
  bool in_key = false;  // … and that the identity needs
};

void add_column(CatalogTable& table, NotSent& not_sent,
                const std::vector<std::optional<std::string>>& row) {
  const bool in_key = is_true(row[6]);
  if (!is_true(row[7])) {
    not_sent.any = true;
    not_sent.in_key = not_sent.in_key || in_key;
    return;
  }
  table.generated = table.generated || is_true(row[8]);
  const auto pg_type = number<std::uint32_t>(row[3]);
  const auto typmod = number<std::int32_t>(row[4]);
  table.schema.columns.push_back({.name = text_of(row[2]),
                                  .type = type_for(pg_type, typmod),
                                  .pg_type = pg_type,
                                  .pg_typmod = typmod,
                                  .attnum = number<std::int16_t>(row[1]),
                                  .in_key = in_key,
                                  .not_null = is_true(row[5])});
  if (number<int>(row[9]) > 1) table.nested.insert(table.schema.columns.back().attnum);
}

// What stands behind the types that the columns are declared with. Arrays that are declared with
// several dimensions are no lists.
Result<> describe_columns(Connection& connection, std::vector<CatalogTable>& tables) {
  std::vector<ColumnSchema*> columns;
  for (CatalogTable& table : tables) {
    for (ColumnSchema& column : table.schema.columns) columns.push_back(&column);
  }
  TRY(describe_types(connection, columns));
  for (CatalogTable& table : tables) {
    for (ColumnSchema& column : table.schema.columns) {
      if (column.type.kind == TypeKind::List && table.nested.contains(column.attnum)) {
        column.type = {TypeKind::Text};
      }
    }
  }
  return {};
}

// What the columns say about the whole table.
void finish(CatalogTable& table, const NotSent& not_sent, const Dialect& dialect) {
  TableSchema& schema = table.schema;
  const bool spoiled =
      dialect.generated_spoils_full && schema.identity == Identity::Full && not_sent.any;
  if (not_sent.in_key || spoiled) schema.identity = Identity::None;
  for (ColumnSchema& column : schema.columns) {
    if (schema.identity == Identity::Full) column.in_key = true;
    if (schema.identity == Identity::None) column.in_key = false;
  }
  // A virtual column comes with every row, as a null: nothing tells it from an added one.
  if (dialect.sends_virtual && not_sent.any && table.why_not.empty()) {
    table.why_not = "test_decoding does not tell virtual generated columns from others";
  }
  if (schema.columns.empty() && table.why_not.empty()) table.why_not = "it has no columns";
}

Result<std::vector<CatalogTable>> read(Connection& connection, const Dialect& dialect,
                                       const std::string& condition,
                                       Sizes sizes = Sizes::Measured) {
  const Rows rows = TRY(connection.query(tables_sql(dialect, condition, sizes)));
  const Rows columns = TRY(connection.query(columns_sql(dialect, condition)));
  std::vector<CatalogTable> tables;
  std::map<TableId, std::size_t> place;
  for (const auto& row : rows.rows) {
    tables.push_back(table_of(row));
    place[tables.back().schema.id] = tables.size() - 1;
  }
  std::vector<NotSent> not_sent(tables.size());
  for (const auto& row : columns.rows) {
    // A table that was created between the two statements has columns only.
    const auto found = place.find(TableId{number<std::uint32_t>(row[0])});
    if (found == place.end()) continue;
    add_column(tables[found->second], not_sent[found->second], row);
  }
  TRY(describe_columns(connection, tables));
  for (std::size_t i = 0; i < tables.size(); ++i) finish(tables[i], not_sent[i], dialect);
  return tables;
}

// The names of each partition: its own is the caller's to add.
using Ancestors = std::map<TableId, std::vector<TablePatterns::Name>>;

Result<Ancestors> read_ancestors(Connection& connection) {
  const Rows rows =
      TRY(connection.query("WITH RECURSIVE above(leaf, oid) AS ("
                           "SELECT c.oid, i.inhparent FROM pg_catalog.pg_class c "
                           "JOIN pg_catalog.pg_inherits i ON i.inhrelid = c.oid "
                           "WHERE c.relispartition AND c.relkind = 'r' UNION ALL "
                           "SELECT a.leaf, i.inhparent FROM above a "
                           "JOIN pg_catalog.pg_inherits i ON i.inhrelid = a.oid) "
                           "SELECT a.leaf, n.nspname, c.relname FROM above a "
                           "JOIN pg_catalog.pg_class c ON c.oid = a.oid "
                           "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"));
  Ancestors ancestors;
  for (const auto& row : rows.rows) {
    ancestors[TableId{number<std::uint32_t>(row[0])}].push_back({text_of(row[1]), text_of(row[2])});
  }
  return ancestors;
}

}  // namespace

Result<std::vector<CatalogTable>> read_tables(Connection& connection, const TablePatterns& patterns,
                                              Plugin plugin, Sizes sizes) {
  const Dialect dialect = dialect_of(connection.server_version(), plugin);
  const auto look = [&] {
    return read(connection, dialect, candidates(dialect), sizes).context("read the catalog");
  };
  std::vector<CatalogTable> tables = TRY(look());
  // One that was dropped between two statements seems to have none; it is not there the next time.
  const auto has_no_columns = [](const auto& table) { return table.schema.columns.empty(); };
  if (std::ranges::any_of(tables, has_no_columns)) tables = TRY(look());
  const auto elsewhere = TRY(read_rows_elsewhere(connection).context("read the catalog"));
  for (CatalogTable& table : tables) {
    const auto found = elsewhere.find(table.schema.id);
    if (found != elsewhere.end()) table.why_not = found->second;
  }
  Ancestors ancestors;
  if (dialect.partitions && !dialect.roots)
    ancestors = TRY(read_ancestors(connection).context("read the catalog"));
  std::erase_if(tables, [&](const CatalogTable& table) {
    std::vector<TablePatterns::Name> names = ancestors[table.schema.id];
    names.push_back({table.schema.schema, table.schema.name});
    return !patterns.match(names);
  });
  return tables;
}

Result<CatalogTable> read_table(Connection& connection, TableId id, Plugin plugin) {
  const Dialect dialect = dialect_of(connection.server_version(), plugin);
  const std::string condition = fmt::format("c.oid = {} AND c.relkind IN ('r', 'p')", value(id));
  std::vector<CatalogTable> tables =
      TRY(read(connection, dialect, condition).context("read the catalog"));
  if (!tables.empty()) return std::move(tables.front());
  return Error{.sqlstate = sqlstate::undefined_table,
               .message = fmt::format("the table with oid {} is gone", value(id))};
}

Result<SystemId> identify(Connection& replication) {
  const Rows rows = TRY(replication.query("IDENTIFY_SYSTEM").context("identify the server"));
  const auto column = [&](std::string_view name) -> std::optional<std::string> {
    const auto found = std::ranges::find(rows.columns, name);
    if (found == rows.columns.end() || rows.rows.empty()) return std::nullopt;
    return rows.rows.front()[static_cast<std::size_t>(found - rows.columns.begin())];
  };
  const std::optional<Lsn> flushed = parse_lsn(text_of(column("xlogpos")));
  if (!column("systemid") || !flushed) {
    return Error{.sqlstate = sqlstate::protocol_violation,
                 .message = "identify the server: it gave no identity"};
  }
  return SystemId{.id = text_of(column("systemid")),
                  .timeline = number<std::uint32_t>(column("timeline")),
                  .flushed = *flushed};
}

}  // namespace freshet::postgres
