#include "model/type.h"

#include <fmt/core.h>

namespace freshet {

namespace {

std::string_view name(TypeKind kind) {
  switch (kind) {
    case TypeKind::Bool: return "bool";
    case TypeKind::Int16: return "int16";
    case TypeKind::Int32: return "int32";
    case TypeKind::Int64: return "int64";
    case TypeKind::Float32: return "float32";
    case TypeKind::Float64: return "float64";
    case TypeKind::Decimal: return "decimal";
    case TypeKind::Numeric: return "numeric";
    case TypeKind::Text: return "text";
    case TypeKind::Uuid: return "uuid";
    case TypeKind::Json: return "json";
    case TypeKind::Jsonb: return "jsonb";
    case TypeKind::Date: return "date";
    case TypeKind::Time: return "time";
    case TypeKind::Timestamp: return "timestamp";
    case TypeKind::TimestampTz: return "timestamptz";
    case TypeKind::Interval: return "interval";
    case TypeKind::Bytes: return "bytes";
    case TypeKind::List: return "list";
  }
  return "unknown";
}

}  // namespace

std::size_t width(Type type) {
  switch (type.kind) {
    case TypeKind::Bool: return 1;
    case TypeKind::Int16: return 2;
    case TypeKind::Int32:
    case TypeKind::Float32:
    case TypeKind::Date: return 4;
    case TypeKind::Int64:
    case TypeKind::Float64:
    case TypeKind::Time:
    case TypeKind::Timestamp:
    case TypeKind::TimestampTz: return 8;
    case TypeKind::Decimal:
      if (type.precision <= 4) return 2;
      if (type.precision <= 9) return 4;
      return type.precision <= 18 ? 8 : 16;
    case TypeKind::Uuid:
    case TypeKind::Interval:
    case TypeKind::Numeric:
    case TypeKind::Text:
    case TypeKind::Json:
    case TypeKind::Jsonb:
    case TypeKind::Bytes:
    case TypeKind::List: return 16;
  }
  return 0;
}

std::string to_string(Type type) {
  if (type.kind == TypeKind::List) return fmt::format("list({})", to_string(element_type(type)));
  if (type.kind != TypeKind::Decimal) return std::string(name(type.kind));
  return fmt::format("decimal({},{})", type.precision, type.scale);
}

}  // namespace freshet
