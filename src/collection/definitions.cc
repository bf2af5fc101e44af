#include "collection/definitions.h"

#include <fmt/core.h>
#include <fmt/format.h>
#include <xxhash.h>

#include <random>

#include "collection/column_definitions.h"
#include "collection/meta_rows.h"

namespace freshet::collection {

namespace {

using engine::literal;

std::string literal_or_null(const std::optional<std::string>& text) {
  return text ? literal(*text) : "NULL";
}

Result<std::map<TableKey, LoadedTable>> load_tables(engine::Connection& connection) {
  std::map<TableKey, LoadedTable> tables;
  const auto rows = TRY(connection.query(
      "SELECT source, id, schema, name, identity, state, snapshot_lsn, replay_from, last_error, "
      "inserts_only, view_schema, view_name, layout, resync, catalog FROM store._meta.tables"));
  for (const auto& row : rows) {
    RowParser parse(row);
    const auto source = parse.number<std::uint32_t>();
    const auto id = parse.number<std::uint32_t>();
    LoadedTable& table = tables[{source, id}];
    table.schema.id = TableId{id};
    table.schema.schema = parse.text();
    table.schema.name = parse.text();
    table.schema.identity = parse.enumerator(Identity::None);
    TableRecord& record = table.stored.record;
    record.source = SourceId{source};
    record.state = parse.enumerator(TableState::Failed);
    record.snapshot_lsn.value = parse.number<std::uint64_t>();
    record.replay_from.value = parse.number<std::uint64_t>();
    record.last_error = parse.text();
    record.inserts_only = parse.boolean();
    const auto view_schema = parse.maybe_text();
    const auto view_name = parse.maybe_text();
    if (view_schema && view_name) table.stored.view = ViewName{*view_schema, *view_name};
    table.stored.layout = parse.number<std::uint64_t>();
    record.resync = parse.boolean();
    record.catalog = parse.text();
    TRY(parse.done("_meta.tables"));
    if (record.state == TableState::Copying) record.state = TableState::Waiting;
  }
  return tables;
}

void read_segment(RowParser& parse, LoadedTable& table) {
  const auto segment = parse.number<SegmentId>();
  const bool shown = parse.boolean();
  (shown ? table.stored.shown : table.stored.segments).push_back(segment);
}

// Names of columns, one per line.
std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += name + '\n';
  return text;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

void read_derivation(RowParser& parse, LoadedTable& table) {
  Derivation& derivation = table.stored.derivation.emplace();
  derivation.table = TableId{parse.number<std::uint32_t>()};
  derivation.schema = parse.text();
  derivation.name = parse.text();
  derivation.definition.sql = parse.text();
  derivation.definition.primary_key = lines_of(parse.text());
  const auto retention = parse.number<std::int64_t>();
  if (retention > 0) derivation.definition.retention = std::chrono::seconds(retention);
  derivation.definition.on_error = parse.enumerator(transform::OnError::Stop);
}

void read_constant(RowParser& parse, LoadedTable& table) {
  const auto attnum = parse.number<std::int16_t>();
  table.stored.constants[attnum] = parse.text();
}

Result<std::vector<SourceRecord>> load_sources(engine::Connection& connection) {
  std::vector<SourceRecord> sources;
  const auto rows =
      TRY(connection.query("SELECT id, name, slot, system_id, timeline, slot_created FROM "
                           "store._meta.sources ORDER BY id"));
  const auto choices = TRY(
      connection.query("SELECT source, pattern FROM store._meta.choices ORDER BY source, ordinal"));
  for (const auto& row : rows) {
    RowParser parse(row);
    SourceRecord source;
    source.id = SourceId{parse.number<std::uint32_t>()};
    source.name = parse.text();
    source.slot = parse.text();
    source.system_id = parse.text();
    source.timeline = parse.number<std::uint32_t>();
    source.slot_created = parse.boolean();
    TRY(parse.done("_meta.sources"));
    for (const auto& choice : choices) {
      if (choice.at(0) == row.at(0)) source.choices.push_back(choice.at(1).value_or(""));
    }
    sources.push_back(std::move(source));
  }
  return sources;
}

void write_table(std::string& sql, const StoredTable& table) {
  const TableRecord& record = table.record;
  const TableSchema& schema = *record.schema;
  const auto view_schema = table.view ? std::optional(table.view->schema) : std::nullopt;
  const auto view_name = table.view ? std::optional(table.view->name) : std::nullopt;
  fmt::format_to(Out(sql), "({},{},{},{},{},{},{},{},{},{},{},{},{},{},{}),", value(record.source),
                 value(schema.id), literal(schema.schema), literal(schema.name),
                 static_cast<unsigned>(schema.identity), static_cast<unsigned>(record.state),
                 record.snapshot_lsn.value, record.replay_from.value, literal(record.last_error),
                 record.inserts_only, literal_or_null(view_schema), literal_or_null(view_name),
                 table.layout, record.resync, literal(record.catalog));
}

void write_segments(std::string& sql, const StoredTable& table) {
  std::size_t ordinal = 0;
  const auto write = [&](SegmentId segment, bool shown) {
    fmt::format_to(Out(sql), "({},{},{},{},{}),", value(table.record.source),
                   value(table.record.schema->id), ordinal++, segment, shown);
  };
  for (const SegmentId segment : table.segments) write(segment, false);
  for (const SegmentId segment : table.shown) write(segment, true);
}

void write_derivation(std::string& sql, const StoredTable& table) {
  if (!table.derivation) return;
  const auto& [base, schema, name, definition] = *table.derivation;
  fmt::format_to(Out(sql), "({},{},{},{},{},{},{},{},{}),", value(table.record.source),
                 value(table.record.schema->id), value(base), literal(schema), literal(name),
                 literal(definition.sql), literal(joined(definition.primary_key)),
                 definition.retention.value_or(std::chrono::seconds{0}).count(),
                 static_cast<unsigned>(definition.on_error));
}

void write_constants(std::string& sql, const StoredTable& table) {
  for (const auto& [attnum, expression] : table.constants) {
    fmt::format_to(Out(sql), "({},{},{},{}),", value(table.record.source),
                   value(table.record.schema->id), attnum, literal(expression));
  }
}

}  // namespace

std::uint64_t layout_of(const TableSchema& schema) {
  std::string form;
  for (const ColumnSchema& column : schema.columns) {
    form += to_string(column.type) + std::to_string(column.attnum) + '\n';
  }
  return XXH3_64bits(form.data(), form.size());
}

Result<> create_definitions(engine::Connection& connection) {
  return connection.execute(
      "CREATE SCHEMA IF NOT EXISTS store._meta;"
      "CREATE SCHEMA IF NOT EXISTS store._segments;"
      "CREATE TABLE IF NOT EXISTS store._meta.installation(id VARCHAR);" +
      fmt::format("INSERT INTO store._meta.installation SELECT '{:08x}' WHERE NOT EXISTS "
                  "(SELECT 1 FROM store._meta.installation);",
                  std::random_device()()) +
      "CREATE TABLE IF NOT EXISTS store._meta.sources(id UINTEGER, name VARCHAR, slot VARCHAR, "
      "system_id VARCHAR, timeline UINTEGER, slot_created BOOLEAN);"
      "CREATE TABLE IF NOT EXISTS store._meta.choices(source UINTEGER, ordinal UINTEGER, "
      "pattern VARCHAR);"
      "CREATE TABLE IF NOT EXISTS store._meta.tables(source UINTEGER, id UINTEGER, schema VARCHAR, "
      "name VARCHAR, identity UTINYINT, state UTINYINT, snapshot_lsn UBIGINT, replay_from UBIGINT, "
      "last_error VARCHAR, inserts_only BOOLEAN, view_schema VARCHAR, view_name VARCHAR, "
      "layout UBIGINT, resync BOOLEAN, catalog VARCHAR);" +
      create_column_definitions() +
      "CREATE TABLE IF NOT EXISTS store._meta.constants(source UINTEGER, id UINTEGER, "
      "attnum SMALLINT, expression VARCHAR);"
      "CREATE TABLE IF NOT EXISTS store._meta.derivations(source UINTEGER, id UINTEGER, "
      "base UINTEGER, base_schema VARCHAR, base_name VARCHAR, sql VARCHAR, primary_key VARCHAR, "
      "retention_seconds BIGINT, on_error UTINYINT);"
      "CREATE TABLE IF NOT EXISTS store._meta.rejects(source UINTEGER, id UINTEGER, "
      "number UBIGINT, came TIMESTAMP WITH TIME ZONE, lsn VARCHAR, sqlstate VARCHAR, "
      "message VARCHAR, content VARCHAR);"
      "CREATE TABLE IF NOT EXISTS store._meta.segments(source UINTEGER, id UINTEGER, "
      "ordinal UINTEGER, segment UINTEGER, shown BOOLEAN)");
}

Result<Definitions> load_definitions(engine::Connection& connection) {
  Definitions definitions;
  const auto installation = TRY(connection.query("SELECT id FROM store._meta.installation"));
  if (!installation.empty()) definitions.installation = installation.front()[0].value_or("");
  definitions.sources = TRY(load_sources(connection));
  auto tables = TRY(load_tables(connection));
  TRY(load_columns(connection, tables));
  TRY(load(connection, tables, "derivations",
           "base, base_schema, base_name, sql, primary_key, retention_seconds, on_error", {},
           read_derivation));
  TRY(load(connection, tables, "constants", "attnum, expression", {}, read_constant));
  TRY(load(connection, tables, "segments", "segment, shown", in_order, read_segment));
  for (auto& [key, table] : tables) {
    if (value(table.schema.id) != key.second) {
      return Error{.fault = Fault::Corruption,
                   .message = fmt::format("read _meta: table {} has columns or segments but no "
                                          "definition",
                                          key.second)};
    }
    table.stored.record.schema = std::make_shared<const TableSchema>(std::move(table.schema));
    definitions.tables.push_back(std::move(table.stored));
  }
  return definitions;
}

Result<> save_source(engine::Connection& connection, const SourceRecord& source) {
  std::string sql = fmt::format(
      "DELETE FROM store._meta.sources WHERE id = {0};"
      "DELETE FROM store._meta.choices WHERE source = {0};"
      "INSERT INTO store._meta.sources VALUES ({0},{1},{2},{3},{4},{5})",
      value(source.id), literal(source.name), literal(source.slot), literal(source.system_id),
      source.timeline, source.slot_created);
  for (std::size_t i = 0; i < source.choices.size(); ++i) {
    fmt::format_to(Out(sql), ";INSERT INTO store._meta.choices VALUES ({},{},{})", value(source.id),
                   i, literal(source.choices[i]));
  }
  return connection.execute(sql);
}

Result<> erase_source(engine::Connection& connection, SourceId source) {
  return connection.execute(
      fmt::format("DELETE FROM store._meta.sources WHERE id = {0};"
                  "DELETE FROM store._meta.choices WHERE source = {0}",
                  value(source)));
}

Result<> save_tables(engine::Connection& connection, std::span<const StoredTable* const> tables) {
  if (tables.empty()) return {};
  std::vector<TableId> ids;
  for (const StoredTable* table : tables) ids.push_back(table->record.schema->id);
  TRY(erase_tables(connection, tables.front()->record.source, ids));
  TRY(insert(connection, "tables", tables, write_table));
  TRY(save_columns(connection, tables));
  TRY(insert(connection, "derivations", tables, write_derivation));
  TRY(insert(connection, "constants", tables, write_constants));
  return insert(connection, "segments", tables, write_segments);
}

Result<> erase_tables(engine::Connection& connection, SourceId source,
                      std::span<const TableId> tables) {
  if (tables.empty()) return {};
  std::string ids;
  for (const TableId table : tables) fmt::format_to(Out(ids), "{},", value(table));
  ids.pop_back();
  std::string sql;
  for (const std::string_view name : {"tables", "columns", "labels", "fields", "derivations",
                                      "constants", "widened", "segments"}) {
    fmt::format_to(Out(sql), "DELETE FROM store._meta.{} WHERE source = {} AND id IN ({});", name,
                   value(source), ids);
  }
  return connection.execute(sql);
}

}  // namespace freshet::collection
