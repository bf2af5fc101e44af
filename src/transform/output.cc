#include "transform/output.h"

#include <fmt/core.h>

#include <optional>

#include "engine/appender.h"

namespace freshet::transform {

namespace {

using engine::LogicalKind;
using engine::LogicalType;

Type decimal(int precision, int scale) {
  return {.kind = TypeKind::Decimal,
          .precision = static_cast<std::uint8_t>(precision),
          .scale = static_cast<std::uint8_t>(scale)};
}

// What holds every value of the type; nothing for nested ones.
std::optional<Type> plain(const LogicalType& made) {
  switch (made.kind) {
    case LogicalKind::Bool: return Type{TypeKind::Bool};
    case LogicalKind::Int8:
    case LogicalKind::UInt8:
    case LogicalKind::Int16: return Type{TypeKind::Int16};
    case LogicalKind::UInt16:
    case LogicalKind::Int32: return Type{TypeKind::Int32};
    case LogicalKind::UInt32:
    case LogicalKind::Int64: return Type{TypeKind::Int64};
    case LogicalKind::UInt64: return decimal(20, 0);
    case LogicalKind::Int128: return decimal(38, 0);
    case LogicalKind::UInt128:
    case LogicalKind::Numeric:
    case LogicalKind::BigInt: return Type{TypeKind::Numeric};
    case LogicalKind::Float32: return Type{TypeKind::Float32};
    case LogicalKind::Float64: return Type{TypeKind::Float64};
    case LogicalKind::Decimal: return decimal(made.precision, made.scale);
    case LogicalKind::Text:
      if (made.alias == "NUMERIC_TEXT") return Type{TypeKind::Numeric};
      if (made.alias == "JSONB") return Type{TypeKind::Jsonb};
      return Type{made.alias == "JSON" ? TypeKind::Json : TypeKind::Text};
    case LogicalKind::Sortable:
      // What an enum is made of would have to follow its source.
      if (made.shown == Shown::Enum) return Type{TypeKind::Text};
      return Type{.kind = TypeKind::Text, .shown = made.shown};
    case LogicalKind::Range:
    case LogicalKind::Multirange: return Type{.kind = TypeKind::Text, .shown = made.shown};
    case LogicalKind::Bytes: return Type{TypeKind::Bytes};
    case LogicalKind::Date: return Type{TypeKind::Date};
    case LogicalKind::Time: return Type{TypeKind::Time};
    case LogicalKind::Timestamp:
    case LogicalKind::TimestampS:
    case LogicalKind::TimestampMs: return Type{TypeKind::Timestamp};
    case LogicalKind::TimestampTz: return Type{TypeKind::TimestampTz};
    case LogicalKind::Interval: return Type{TypeKind::Interval};
    case LogicalKind::Uuid: return Type{TypeKind::Uuid};
    case LogicalKind::TimeTz: return Type{.kind = TypeKind::Text, .shown = Shown::TimeTz};
    case LogicalKind::TimestampNs:
    case LogicalKind::Bit:
    case LogicalKind::Enum:
    case LogicalKind::Null:
    case LogicalKind::Other: return Type{TypeKind::Text};
    case LogicalKind::List:
    case LogicalKind::Array:
    case LogicalKind::Struct:
    case LogicalKind::Map:
    case LogicalKind::Union: return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

Kept keep(const LogicalType& made, const std::string& expression) {
  const auto cast = [&](Type type) {
    return Kept{type, fmt::format("CAST({} AS {})", expression, engine::sql_name(type))};
  };
  if (const auto type = plain(made)) return cast(*type);
  if (made.kind == LogicalKind::List || made.kind == LogicalKind::Array) {
    if (const auto element = plain(made.children.at(0))) {
      return cast(list_of(*element));
    }
  }
  return {Type{TypeKind::Json}, fmt::format("to_json({})", expression)};
}

Kept keep_result(const engine::ResultColumn& result, const std::string& expression) {
  const Kept kept = keep(result.type, expression);
  if (result.name == "_id") {
    return {Type{TypeKind::Text}, fmt::format("CAST({} AS VARCHAR)", expression)};
  }
  if (result.name != "_event_time") return kept;
  const bool micros = kept.type.kind == TypeKind::Int64 || kept.type.kind == TypeKind::Int32;
  return {Type{TypeKind::TimestampTz}, micros ? fmt::format("make_timestamptz({})", expression)
                                              : fmt::format("CAST({} AS TIMESTAMPTZ)", expression)};
}

}  // namespace freshet::transform
