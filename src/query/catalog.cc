#include "query/catalog.h"

#include <algorithm>
#include <array>
#include <set>

#include "query/relation_rows.h"
#include "query/types.h"
#include "transform/definition.h"

namespace freshet::query {
namespace {

using engine::RelationColumn;

constexpr Type text{.kind = TypeKind::Text};
constexpr Type int64{.kind = TypeKind::Int64};
constexpr Type boolean{.kind = TypeKind::Bool};

// Object ids below this belong to PostgreSQL itself.
constexpr std::int64_t first_oid = 16384;

// FNV-1a; not secret, only spread out.
std::uint64_t hash(std::string_view name) {
  std::uint64_t state = 14695981039346656037ULL;
  for (const char c : name) state = (state ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return state;
}

// Fits an int4, so that clients which keep oids in one do not overflow.
std::int64_t oid_of(const std::string& name) {
  constexpr std::uint64_t range = 0x7fff'0000;
  return first_oid + static_cast<std::int64_t>(hash(name) % (range - first_oid));
}

std::int64_t index_oid(const CatalogRelation& relation) {
  return oid_of(relation.schema + "." + relation.name + " key");
}

// What a column that no table declares is announced as.
std::uint32_t pg_type_of(Type type) {
  switch (type.kind) {
    case TypeKind::Bool: return oid::boolean;
    case TypeKind::Int16: return oid::int2;
    case TypeKind::Int32: return oid::int4;
    case TypeKind::Int64: return oid::int8;
    case TypeKind::Float32: return oid::float4;
    case TypeKind::Float64: return oid::float8;
    case TypeKind::Decimal:
    case TypeKind::Numeric: return oid::numeric;
    case TypeKind::Text: return oid::text;
    case TypeKind::Uuid: return oid::uuid;
    case TypeKind::Json: return oid::json;
    case TypeKind::Jsonb: return oid::jsonb;
    case TypeKind::Date: return oid::date;
    case TypeKind::Time: return oid::time;
    case TypeKind::Timestamp: return oid::timestamp;
    case TypeKind::TimestampTz: return oid::timestamptz;
    case TypeKind::Interval: return oid::interval;
    case TypeKind::Bytes: return oid::bytea;
    case TypeKind::List: {
      const PgType* element = find_type(pg_type_of(element_type(type)));
      return element == nullptr ? oid::text : element->array_oid;
    }
  }
  return oid::text;
}

std::uint32_t pg_type_of(const ColumnSchema& column) {
  if (column.pg_type == 0) return pg_type_of(column.type);
  // A text, whatever the source has it as; or a numeric that is wider than it is there.
  const bool scalar_text =
      column.type.kind == TypeKind::Text && column.type.shown == Shown::AsStored;
  const PgType* const known = find_type(column.pg_type);
  if (scalar_text && (known == nullptr || known->engine_name != "VARCHAR")) return oid::text;
  if (known != nullptr || find_element(column.pg_type) != nullptr) return column.pg_type;
  return column.type.kind == TypeKind::List ? pg_type_of(column.type) : oid::text;
}

CatalogRelation collection_relation(const TableSchema& schema) {
  CatalogRelation relation{.schema = schema.schema, .name = schema.name};
  switch (schema.identity) {
    case Identity::Key: relation.replica_identity = 'd'; break;
    case Identity::Full: relation.replica_identity = 'f'; break;
    case Identity::None: relation.replica_identity = 'n'; break;
  }
  for (const ColumnSchema& column : schema.columns) {
    if (column.name.starts_with(transform::hidden_prefix)) continue;
    const std::uint32_t type = pg_type_of(column);
    relation.columns.push_back({.name = column.name,
                                .type_oid = type,
                                .modifier = type == column.pg_type ? column.pg_typmod : -1,
                                .not_null = column.not_null,
                                .in_key = column.in_key && schema.identity == Identity::Key});
  }
  return relation;
}

CatalogRelation system_view(std::string name,
                            std::initializer_list<std::pair<const char*, std::uint32_t>> columns) {
  CatalogRelation relation{.schema = "freshet", .name = std::move(name), .kind = 'v'};
  for (const auto& [column, type] : columns)
    relation.columns.push_back({.name = column, .type_oid = type});
  return relation;
}

std::vector<CatalogRelation> system_views() {
  using namespace oid;
  return {
      system_view("sources", {{"name", oid::text},
                              {"state", oid::text},
                              {"url", oid::text},
                              {"slot", oid::text},
                              {"server_version", oid::text},
                              {"received_lsn", oid::text},
                              {"durable_lsn", oid::text},
                              {"confirmed_lsn", oid::text},
                              {"applied_lsn", oid::text},
                              {"lag_ms", int8},
                              {"lag_bytes", int8},
                              {"stream_bytes", int8},
                              {"spool_bytes", int8},
                              {"retained_wal_bytes", int8},
                              {"last_error", oid::text}}),
      system_view("tables", {{"source", oid::text},
                             {"schema", oid::text},
                             {"name", oid::text},
                             {"state", oid::text},
                             {"rows", int8},
                             {"dead_rows", int8},
                             {"applied_lsn", oid::text},
                             {"lag_ms", int8},
                             {"lag_bytes", int8},
                             {"last_error", oid::text},
                             {"copied_lsn", oid::text},
                             {"copying_again", oid::boolean}}),
      system_view("progress", {{"source", oid::text},
                               {"schema", oid::text},
                               {"name", oid::text},
                               {"phase", oid::text},
                               {"rows", int8},
                               {"rows_estimated", int8},
                               {"bytes", int8},
                               {"rows_per_second", float8},
                               {"seconds_left", float8}}),
      system_view("collections", {{"source", oid::text},
                                  {"schema", oid::text},
                                  {"name", oid::text},
                                  {"table_schema", oid::text},
                                  {"table_name", oid::text},
                                  {"primary_key", oid::text},
                                  {"retention_seconds", int8},
                                  {"on_error", oid::text},
                                  {"definition", oid::text}}),
      system_view("rejects", {{"source", oid::text},
                              {"schema", oid::text},
                              {"name", oid::text},
                              {"number", int8},
                              {"came_at", oid::text},
                              {"lsn", oid::text},
                              {"sqlstate", oid::text},
                              {"message", oid::text},
                              {"row", oid::json}}),
  };
}

bool has_key(const CatalogRelation& relation) {
  return std::ranges::any_of(relation.columns, &CatalogColumn::in_key);
}

std::string key_columns(const CatalogRelation& relation) {
  std::string names;
  for (const CatalogColumn& column : relation.columns) {
    if (column.in_key) names += (names.empty() ? "" : ", ") + column.name;
  }
  return names;
}

std::string key_numbers(const CatalogRelation& relation) {
  std::string numbers;
  for (std::size_t i = 0; i < relation.columns.size(); ++i) {
    if (relation.columns[i].in_key) numbers += (numbers.empty() ? "" : " ") + std::to_string(i + 1);
  }
  return numbers;
}

Result<> register_relations(collection::Store& store) {
  const std::vector<RelationColumn> columns = {
      {"oid", int64},       {"schema_oid", int64}, {"schema", text},   {"name", text},
      {"kind", text},       {"identity", text},    {"tuples", int64},  {"natts", int64},
      {"has_key", boolean}, {"key_oid", int64},    {"key_name", text}, {"key_columns", text},
      {"key_numbers", text}};
  const auto make = [columns, &store]() -> Result<engine::RelationRows> {
    RelationBuilder rows(columns);
    for (const CatalogRelation& relation : catalog_relations(store)) {
      rows.integer(relation.oid).integer(relation.schema_oid);
      rows.text(relation.schema).text(relation.name).text(std::string(1, relation.kind));
      rows.text(std::string(1, relation.replica_identity)).integer(relation.rows);
      rows.integer(static_cast<std::int64_t>(relation.columns.size())).truth(has_key(relation));
      rows.integer(index_oid(relation)).text(relation.name + "_pkey");
      rows.text(key_columns(relation)).text(key_numbers(relation));
    }
    return rows.finish();
  };
  return engine::register_relation(store.database(), "_freshet_relations", columns, make);
}

Result<> register_columns(collection::Store& store) {
  const std::vector<RelationColumn> columns = {
      {"relation", int64}, {"number", int64}, {"name", text},        {"type_oid", int64},
      {"modifier", int64}, {"length", int64}, {"not_null", boolean}, {"type_name", text}};
  const auto make = [columns, &store]() -> Result<engine::RelationRows> {
    RelationBuilder rows(columns);
    for (const CatalogRelation& relation : catalog_relations(store)) {
      std::int64_t number = 0;
      for (const CatalogColumn& column : relation.columns) {
        rows.integer(relation.oid).integer(++number).text(column.name);
        rows.integer(std::int64_t{column.type_oid}).integer(std::int64_t{column.modifier});
        rows.integer(std::int64_t{type_length(column.type_oid)}).truth(column.not_null);
        rows.text(format_type(column.type_oid, column.modifier));
      }
    }
    return rows.finish();
  };
  return engine::register_relation(store.database(), "_freshet_columns", columns, make);
}

Result<> register_types(collection::Store& store) {
  const std::vector<RelationColumn> columns = {
      {"oid", int64},     {"name", text},     {"sql_name", text},  {"length", int64},
      {"category", text}, {"element", int64}, {"array_oid", int64}};
  const auto make = [columns]() -> Result<engine::RelationRows> {
    RelationBuilder rows(columns);
    for (const PgType& type : pg_types()) {
      rows.integer(std::int64_t{type.oid}).constant(type.name).constant(type.sql_name);
      rows.integer(std::int64_t{type.length}).text(std::string(1, type.category));
      rows.integer(std::int64_t{0}).integer(std::int64_t{type.array_oid});
      if (type.array_oid == 0) continue;
      rows.integer(std::int64_t{type.array_oid}).text("_" + std::string(type.name));
      rows.text(std::string(type.sql_name)).integer(std::int64_t{-1}).constant("A");
      rows.integer(std::int64_t{type.oid}).integer(std::int64_t{0});
    }
    return rows.finish();
  };
  return engine::register_relation(store.database(), "_freshet_types", columns, make);
}

}  // namespace

std::int64_t schema_oid(const std::string& schema) {
  if (schema == "pg_catalog") return 11;
  if (schema == "public") return 2200;
  if (schema == "information_schema") return 13183;
  return oid_of(schema);
}

std::vector<CatalogRelation> catalog_relations(const collection::Store& store) {
  std::vector<CatalogRelation> relations = system_views();
  const std::vector<collection::TableNumbers> numbers = store.numbers();
  const auto add = [&](SourceId source, const TableSchema& schema) {
    CatalogRelation relation = collection_relation(schema);
    for (const collection::TableNumbers& number : numbers) {
      if (number.source == source && number.table == schema.id)
        relation.rows = static_cast<std::int64_t>(number.live_rows);
    }
    relations.push_back(std::move(relation));
  };
  for (const collection::TableRecord& each : store.tables()) add(each.source, *each.schema);
  for (const collection::DerivedRecord& each : store.derived()) add(each.source, *each.schema);
  std::ranges::sort(relations, [](const CatalogRelation& a, const CatalogRelation& b) {
    return std::tie(a.schema, a.name) < std::tie(b.schema, b.name);
  });
  std::set<std::int64_t> taken;
  for (CatalogRelation& relation : relations) {
    relation.schema_oid = schema_oid(relation.schema);
    relation.oid = oid_of(relation.schema + "." + relation.name);
    while (!taken.insert(relation.oid).second) ++relation.oid;
  }
  return relations;
}

Result<> register_catalog(collection::Store& store) {
  TRY(register_relations(store));
  TRY(register_columns(store));
  return register_types(store);
}

}  // namespace freshet::query
