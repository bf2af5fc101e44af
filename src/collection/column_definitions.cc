#include "collection/column_definitions.h"

#include <algorithm>

#include "engine/as_seen.h"

namespace freshet::collection {

namespace {

using engine::literal;

void read_column(RowParser& parse, LoadedTable& table) {
  ColumnSchema column;
  column.name = parse.text();
  column.type.kind = parse.enumerator(TypeKind::List);
  column.type.precision = parse.number<std::uint8_t>();
  column.type.scale = parse.number<std::uint8_t>();
  column.type.element = parse.enumerator(TypeKind::List);
  column.pg_type = parse.number<std::uint32_t>();
  column.pg_typmod = parse.number<std::int32_t>();
  column.attnum = parse.number<std::int16_t>();
  column.in_key = parse.boolean();
  column.not_null = parse.boolean();
  column.domain = parse.number<std::uint32_t>();
  column.type.shown = parse.enumerator(Shown::TstzMultirange);
  table.schema.columns.push_back(std::move(column));
}

ColumnSchema* column_of(LoadedTable& table, std::int16_t attnum) {
  const auto found = std::ranges::find(table.schema.columns, attnum, &ColumnSchema::attnum);
  return found == table.schema.columns.end() ? nullptr : &*found;
}

void read_label(RowParser& parse, LoadedTable& table) {
  ColumnSchema* const column = column_of(table, parse.number<std::int16_t>());
  const auto number = parse.number<std::int32_t>();
  if (column != nullptr && number >= 0) {
    table.enum_numbers[column->attnum] = static_cast<std::uint32_t>(number);
  }
  EnumLabel label{.oid = parse.number<std::uint32_t>(), .label = parse.text()};
  if (column != nullptr) column->labels.push_back(std::move(label));
}

// What views that were made before call the types of enums.
void restore_enums(engine::Connection& connection, const LoadedTable& table) {
  for (const ColumnSchema& column : table.schema.columns) {
    const auto found = table.enum_numbers.find(column.attnum);
    if (found == table.enum_numbers.end()) continue;
    engine::restore_enum(connection, found->second, column.labels);
  }
}

void read_field(RowParser& parse, LoadedTable& table) {
  ColumnSchema* const column = column_of(table, parse.number<std::int16_t>());
  RecordField field{.name = parse.text(), .type = {}};
  field.type.kind = parse.enumerator(TypeKind::List);
  field.type.precision = parse.number<std::uint8_t>();
  field.type.scale = parse.number<std::uint8_t>();
  field.type.shown = parse.enumerator(Shown::TstzMultirange);
  if (column != nullptr) column->fields.push_back(std::move(field));
}

void read_widened(RowParser& parse, LoadedTable& table) {
  WidenedColumn column;
  column.attnum = parse.number<std::int16_t>();
  column.declared_type = parse.number<std::uint32_t>();
  column.type.kind = parse.enumerator(TypeKind::List);
  column.type.element = parse.enumerator(TypeKind::List);
  table.stored.record.widened.push_back(column);
}

void write_columns(std::string& sql, const StoredTable& table) {
  const TableSchema& schema = *table.record.schema;
  for (std::size_t i = 0; i < schema.columns.size(); ++i) {
    const ColumnSchema& column = schema.columns[i];
    fmt::format_to(Out(sql), "({},{},{},{},{},{},{},{},{},{},{},{},{},{},{}),",
                   value(table.record.source), value(schema.id), i, literal(column.name),
                   static_cast<unsigned>(column.type.kind), column.type.precision,
                   column.type.scale, static_cast<unsigned>(column.type.element), column.pg_type,
                   column.pg_typmod, column.attnum, column.in_key, column.not_null, column.domain,
                   static_cast<unsigned>(column.type.shown));
  }
}

void write_fields(std::string& sql, const StoredTable& table) {
  for (const ColumnSchema& column : table.record.schema->columns) {
    std::size_t ordinal = 0;
    for (const RecordField& field : column.fields) {
      fmt::format_to(Out(sql), "({},{},{},{},{},{},{},{},{}),", value(table.record.source),
                     value(table.record.schema->id), ordinal++, column.attnum, literal(field.name),
                     static_cast<unsigned>(field.type.kind), field.type.precision, field.type.scale,
                     static_cast<unsigned>(field.type.shown));
    }
  }
}

// Wider types have no precision.
void write_widened(std::string& sql, const StoredTable& table) {
  std::size_t ordinal = 0;
  for (const WidenedColumn& column : table.record.widened) {
    fmt::format_to(Out(sql), "({},{},{},{},{},{},{}),", value(table.record.source),
                   value(table.record.schema->id), ordinal++, column.attnum, column.declared_type,
                   static_cast<unsigned>(column.type.kind),
                   static_cast<unsigned>(column.type.element));
  }
}

// With the numbers of the types that views name.
Result<> save_labels(engine::Connection& connection, std::span<const StoredTable* const> tables) {
  std::string rows;
  for (const StoredTable* table : tables) {
    for (const ColumnSchema& column : table->record.schema->columns) {
      const auto number =
          column.labels.empty() ? std::nullopt : engine::enum_number(connection, column.labels);
      std::size_t ordinal = 0;
      for (const EnumLabel& label : column.labels) {
        fmt::format_to(Out(rows), "{}({},{},{},{},{},{},{})", rows.empty() ? "" : ",",
                       value(table->record.source), value(table->record.schema->id), ordinal++,
                       column.attnum, number ? static_cast<std::int64_t>(*number) : -1, label.oid,
                       literal(label.label));
      }
    }
  }
  if (rows.empty()) return {};
  return connection.execute("INSERT INTO store._meta.labels VALUES " + rows);
}

}  // namespace

std::string create_column_definitions() {
  return "CREATE TABLE IF NOT EXISTS store._meta.columns(source UINTEGER, id UINTEGER, "
         "ordinal UINTEGER, name VARCHAR, kind UTINYINT, precision UTINYINT, scale UTINYINT, "
         "element UTINYINT, pg_type UINTEGER, pg_typmod INTEGER, attnum SMALLINT, in_key BOOLEAN, "
         "not_null BOOLEAN, domain UINTEGER, shown UTINYINT);"
         "CREATE TABLE IF NOT EXISTS store._meta.labels(source UINTEGER, id UINTEGER, "
         "ordinal UINTEGER, attnum SMALLINT, type_number INTEGER, label_oid UINTEGER, "
         "label VARCHAR);"
         "CREATE TABLE IF NOT EXISTS store._meta.fields(source UINTEGER, id UINTEGER, "
         "ordinal UINTEGER, attnum SMALLINT, name VARCHAR, kind UTINYINT, precision UTINYINT, "
         "scale UTINYINT, shown UTINYINT);"
         "CREATE TABLE IF NOT EXISTS store._meta.widened(source UINTEGER, id UINTEGER, "
         "ordinal UINTEGER, attnum SMALLINT, declared_type UINTEGER, kind UTINYINT, "
         "element UTINYINT);";
}

Result<> load_columns(engine::Connection& connection, std::map<TableKey, LoadedTable>& tables) {
  TRY(load(connection, tables, "columns",
           "name, kind, precision, scale, element, pg_type, pg_typmod, attnum, in_key, not_null, "
           "domain, shown",
           in_order, read_column));
  TRY(load(connection, tables, "labels", "attnum, type_number, label_oid, label", in_order,
           read_label));
  TRY(load(connection, tables, "fields", "attnum, name, kind, precision, scale, shown", in_order,
           read_field));
  TRY(load(connection, tables, "widened", "attnum, declared_type, kind, element", in_order,
           read_widened));
  for (const auto& [key, table] : tables) restore_enums(connection, table);
  return {};
}

Result<> save_columns(engine::Connection& connection, std::span<const StoredTable* const> tables) {
  TRY(insert(connection, "columns", tables, write_columns));
  TRY(save_labels(connection, tables));
  TRY(insert(connection, "fields", tables, write_fields));
  return insert(connection, "widened", tables, write_widened);
}

}  // namespace freshet::collection
