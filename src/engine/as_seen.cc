#include "engine/as_seen.h"

#include <fmt/core.h>

#include "engine/appender.h"
#include "engine/enum_types.h"
#include "engine/handles.h"
#include "engine/numeric_value.h"
#include "engine/range_types.h"
#include "engine/sortable_types.h"

namespace freshet::engine {

namespace {

std::vector<std::string> texts_of(const std::vector<EnumLabel>& labels) {
  std::vector<std::string> texts;
  for (const EnumLabel& each : labels) texts.push_back(each.label);
  return texts;
}

// The engine's name for what a text is shown as; empty for a record, which is no one type.
std::string shown_type(Connection& connection, Shown shown, const std::vector<EnumLabel>& labels) {
  switch (shown) {
    case Shown::AsStored: return "VARCHAR";
    case Shown::Enum: return enum_type(connection, labels);
    case Shown::Record: return {};
    case Shown::Oid: return "UINTEGER";
    case Shown::TimeTz: return "TIMETZ";
    default: break;
  }
  const std::string_view sortable = sortable_alias(shown);
  return sortable.empty() ? range_type(shown) : std::string(sortable);
}

// A field out of its text.
std::string field_value(Connection& connection, Type type, const std::string& text) {
  const auto call = [&](const char* function) { return fmt::format("{}({})", function, text); };
  switch (type.kind) {
    case TypeKind::Text:
      if (type.shown == Shown::AsStored) return text;
      return fmt::format("CAST({} AS {})", text, shown_type(connection, type.shown, {}));
    case TypeKind::Numeric: return fmt::format("CAST({} AS {})", text, numeric_value_alias);
    case TypeKind::Date: return call("pg_date");
    case TypeKind::Time: return call("pg_time");
    case TypeKind::Timestamp: return call("pg_timestamp");
    case TypeKind::TimestampTz: return call("pg_timestamptz");
    case TypeKind::Interval: return call("pg_interval");
    case TypeKind::Bytes: return fmt::format("unhex(substr({}, 3))", text);
    // By way of JSONB, whose cast does not judge what PostgreSQL has accepted.
    case TypeKind::Json:
      return fmt::format("CAST(CAST({} AS {}) AS JSON)", text, sql_name({TypeKind::Jsonb}));
    default: return fmt::format("CAST({} AS {})", text, sql_name(type));
  }
}

// The struct of a composite's text. The engine reads the text once, however often it is named.
std::string record(Connection& connection, const std::vector<RecordField>& fields,
                   const std::string& text) {
  if (fields.empty()) return text;
  std::string list;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::string part = fmt::format("pg_record({})[{}]", text, i + 1);
    list += fmt::format("{}{} := {}", i == 0 ? "" : ", ", engine::quoted(fields[i].name),
                        field_value(connection, fields[i].type, part));
  }
  return fmt::format("CASE WHEN {} IS NULL THEN NULL ELSE struct_pack({}) END", text, list);
}

}  // namespace

std::string enum_type(Connection& connection, const std::vector<EnumLabel>& labels) {
  const auto number = enum_number(connection, labels);
  return number ? EnumTypes::name(*number) : "VARCHAR";
}

std::optional<std::uint32_t> enum_number(Connection& connection,
                                         const std::vector<EnumLabel>& labels) {
  return connection.handle().enums.type_of(texts_of(labels));
}

void restore_enum(Connection& connection, std::uint32_t number,
                  const std::vector<EnumLabel>& labels) {
  connection.handle().enums.restore(number, texts_of(labels));
}

std::string as_seen(Connection& connection, const ColumnSchema& column, std::string expression) {
  const bool list = column.type.kind == TypeKind::List;
  const Type type = list ? element_type(column.type) : column.type;
  const char* const brackets = list ? "[]" : "";
  if (type.kind == TypeKind::Numeric) {
    return fmt::format("CAST({} AS {}{})", expression, numeric_value_alias, brackets);
  }
  if (type.kind != TypeKind::Text || type.shown == Shown::AsStored) return expression;
  if (type.shown != Shown::Record) {
    return fmt::format("CAST({} AS {}{})", expression,
                       shown_type(connection, type.shown, column.labels), brackets);
  }
  if (!list) return record(connection, column.fields, expression);
  return fmt::format("list_transform({}, lambda each_one: {})", expression,
                     record(connection, column.fields, "each_one"));
}

}  // namespace freshet::engine
