#include "snapshot/piece.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "postgres/cell.h"

namespace freshet::snapshot {

using postgres::CatalogTable;
using postgres::Connection;
using postgres::Rows;

namespace {

// Scanning a range of ctid came with it.
constexpr int tid_ranges_since = 140000;
// The balance at the end is worth more pieces than workers.
constexpr std::uint64_t pieces_per_worker = 4;

// An ordinary table, or a leaf of a partitioned one.
struct Relation {
  std::string oid;
  std::string from;
  std::uint64_t bytes = 0;
  std::uint64_t pages = 0;
  bool is_heap = false;
};

std::string quoted_name(std::string_view schema, std::string_view name) {
  return postgres::quoted(schema) + '.' + postgres::quoted(name);
}

// What rows the table consists of; nothing when they can be read through the root only: somebody
// may read that and not the leaves, a policy of a leaf does not count for it, and a foreign table
// has no pages.
Result<std::optional<std::vector<Relation>>> relations_of(Connection& connection,
                                                          const CatalogTable& table) {
  const std::string oid = std::to_string(value(table.schema.id));
  const std::string which =
      table.partitioned
          ? "IN (SELECT relid FROM pg_catalog.pg_partition_tree(" + oid + ") WHERE isleaf)"
          : "= " + oid;
  const Rows rows = TRY(connection.query(fmt::format(
      "SELECT c.oid, n.nspname, c.relname, pg_catalog.pg_relation_size(c.oid) AS bytes, "
      "pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::bigint, "
      "{} AS is_heap, c.relkind = 'r' AND {} AND "
      "pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND "
      "pg_catalog.has_table_privilege(c.oid, 'SELECT') AS readable "
      "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
      "WHERE c.oid {} AND c.relkind <> 'p' ORDER BY bytes DESC, c.oid",
      connection.server_version() >= 120000
          ? "c.relam = (SELECT oid FROM pg_catalog.pg_am WHERE amname = 'heap')"
          : "true",
      // Row-level security came with 9.5.
      connection.server_version() >= 90500 ? "NOT c.relrowsecurity" : "true", which)));
  std::vector<Relation> relations;
  for (const auto& row : rows.rows) {
    if (table.partitioned && row[6] != "t") return std::optional<std::vector<Relation>>();
    relations.push_back({.oid = row[0].value_or(""),
                         .from = quoted_name(row[1].value_or(""), row[2].value_or("")),
                         .bytes = postgres::number<std::uint64_t>(row[3]),
                         .pages = postgres::number<std::uint64_t>(row[4]),
                         .is_heap = row[5] == "t"});
  }
  if (relations.empty()) return std::optional<std::vector<Relation>>();
  return std::optional(std::move(relations));
}

std::uint64_t pieces_wanted(const Relation& relation, const CutOptions& options) {
  const std::uint64_t most = relation.bytes / options.piece_bytes_min;
  const std::uint64_t least = relation.bytes / options.piece_bytes_max;
  return std::clamp<std::uint64_t>(options.workers * pieces_per_worker, least,
                                   std::max(least, most));
}

// Open at both ends: pages may have been added since they were counted.
std::vector<std::string> page_ranges(const Relation& relation, std::uint64_t count) {
  std::vector<std::string> bounds;
  for (std::uint64_t i = 1; i < count; ++i) {
    bounds.push_back(fmt::format("'({},0)'::pg_catalog.tid", relation.pages * i / count));
  }
  return bounds;
}

struct Key {
  std::string name;  // quoted
  std::string type;  // as SQL names it
  bool is_integer = false;
  std::vector<std::string> sample;  // values of it in order, as text; maybe none
};

// The first column of the primary key, when its type has an order that text can name.
Result<std::optional<Key>> leading_key(Connection& connection, const Relation& relation) {
  const Rows rows = TRY(connection.query(fmt::format(
      "SELECT a.attname, pg_catalog.format_type(a.atttypid, NULL), a.atttypid IN (20, 21, 23), "
      "b.value FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indrelid "
      "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
      "JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0] "
      "LEFT JOIN pg_catalog.pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname "
      "AND s.attname = a.attname AND NOT s.inherited "
      "LEFT JOIN LATERAL pg_catalog.unnest(s.histogram_bounds::text::text[]) WITH ORDINALITY "
      "AS b(value, place) ON true "
      "WHERE i.indrelid = {} AND i.indisprimary AND i.indisvalid AND "
      // smallint, integer, bigint, text, varchar, numeric, date, timestamp, timestamptz, uuid
      "a.atttypid IN (21, 23, 20, 25, 1043, 1700, 1082, 1114, 1184, 2950) ORDER BY b.place",
      relation.oid)));
  if (rows.rows.empty()) return std::optional<Key>();
  Key key{.name = postgres::quoted(rows.rows[0][0].value_or("")),
          .type = rows.rows[0][1].value_or(""),
          .is_integer = rows.rows[0][2] == "t",
          .sample = {}};
  for (const auto& row : rows.rows) {
    if (row[3]) key.sample.push_back(*row[3]);
  }
  return std::optional(std::move(key));
}

// Bounds of even pieces: by the planner's sample, or between the least and the greatest integer.
Result<std::vector<std::string>> key_bounds(Connection& connection, const Relation& relation,
                                            const Key& key, std::uint64_t count) {
  std::vector<std::string> bounds;
  const auto add = [&](const std::string& text) {
    std::string bound = postgres::literal(text) + "::" + key.type;
    if (bounds.empty() || bounds.back() != bound) bounds.push_back(std::move(bound));
  };
  if (key.sample.size() > count) {
    for (std::uint64_t i = 1; i < count; ++i) add(key.sample[key.sample.size() * i / count]);
    return bounds;
  }
  if (!key.is_integer) return bounds;
  const Rows rows = TRY(connection.query(fmt::format(
      "SELECT pg_catalog.trunc(low::numeric + (high::numeric - low::numeric) * i / {1}) "
      "FROM (SELECT pg_catalog.min({0}) AS low, pg_catalog.max({0}) AS high FROM ONLY {2}) "
      "AS ends, pg_catalog.generate_series(1, {1} - 1) AS i WHERE low IS NOT NULL",
      key.name, count, relation.from)));
  for (const auto& row : rows.rows) add(row[0].value_or("0"));
  return bounds;
}

// (-∞, b1), [b1, b2) …, [bn, ∞) of an expression that is never null.
std::vector<Piece> between(const Relation& relation, const std::string& expression,
                           const std::vector<std::string>& bounds) {
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i <= bounds.size(); ++i) {
    Piece piece{.from = relation.from};
    if (i > 0) piece.condition = fmt::format("{} >= {}", expression, bounds[i - 1]);
    if (i > 0 && i < bounds.size()) piece.condition += " AND ";
    if (i < bounds.size()) piece.condition += fmt::format("{} < {}", expression, bounds[i]);
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

Result<std::vector<Piece>> cut_relation(Connection& connection, const Relation& relation,
                                        const CutOptions& options) {
  const std::uint64_t count = pieces_wanted(relation, options);
  if (count <= 1) return between(relation, {}, {});
  if (connection.server_version() >= tid_ranges_since) {
    if (!relation.is_heap) return between(relation, {}, {});
    return between(relation, "ctid", page_ranges(relation, count));
  }
  const std::optional<Key> key = TRY(leading_key(connection, relation));
  if (!key) return between(relation, {}, {});
  // The server may prefer to read the whole table for each: then more than one for each worker
  // would only make it read more.
  const std::uint64_t shared = std::min<std::uint64_t>(count, options.workers);
  const auto bounds = TRY(key_bounds(connection, relation, *key, shared));
  return between(relation, key->name, bounds);
}

}  // namespace

Result<std::vector<Piece>> cut(Connection& connection, const CatalogTable& table,
                               const CutOptions& options) {
  const Piece whole{.from = quoted_name(table.schema.schema, table.schema.name),
                    .with_partitions = table.partitioned};
  if (options.workers <= 1) return std::vector{whole};
  const auto relations = TRY(relations_of(connection, table));
  if (!relations) return std::vector{whole};
  std::vector<Piece> pieces;
  for (const Relation& relation : *relations) {
    for (Piece& piece : TRY(cut_relation(connection, relation, options))) {
      pieces.push_back(std::move(piece));
    }
  }
  return pieces;
}

}  // namespace freshet::snapshot
