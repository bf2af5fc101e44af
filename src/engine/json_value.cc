#include "engine/json_value.h"

#include <fmt/core.h>

#include <cmath>
#include <iterator>

#include "duckdb.h"
#include "engine/chunk.h"
#include "engine/scalar_function.h"
#include "engine/text_vectors.h"
#include "engine/types.h"
#include "model/exact_numeric.h"
#include "model/sortable.h"

namespace freshet::engine {

namespace {

void append_string(std::string& out, std::string_view text) {
  out.push_back('"');
  for (const char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\b': out += "\\b"; break;
      case '\f': out += "\\f"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          fmt::format_to(std::back_inserter(out), "\\u{:04X}", static_cast<unsigned>(c));
        } else {
          out.push_back(c);
        }
    }
  }
  out.push_back('"');
}

// The shortest digits that read back the same, always with a point or an exponent.
template <typename T>
void append_floating(std::string& out, T value) {
  if (!std::isfinite(value)) {
    return append_string(out, std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
  }
  const std::string digits = fmt::format("{}", value);
  out += digits;
  if (digits.find_first_of(".e") == std::string::npos) out += ".0";
}

void append_number(std::string& out, const std::string& text) {
  const bool finite = text.find_first_not_of("-0123456789.") == std::string::npos;
  if (finite) {
    out += text;
  } else {
    append_string(out, text);
  }
}

void append_list(std::string& out, const DuckVector& vector, std::size_t row) {
  const ListRef list = vector.list(row);
  out.push_back('[');
  for (std::uint64_t i = 0; i < list.size; ++i) {
    if (i > 0) out.push_back(',');
    append_json(out, vector.vector_child(0), list.offset + i);
  }
  out.push_back(']');
}

void append_struct(std::string& out, const DuckVector& vector, std::size_t row) {
  out.push_back('{');
  for (std::size_t i = 0; i < vector.type().children.size(); ++i) {
    if (i > 0) out.push_back(',');
    append_string(out, vector.type().field_names[i]);
    out.push_back(':');
    append_json(out, vector.vector_child(i), row);
  }
  out.push_back('}');
}

void append_map(std::string& out, const DuckVector& vector, std::size_t row) {
  const ListRef list = vector.list(row);
  out.push_back('{');
  for (std::uint64_t i = 0; i < list.size; ++i) {
    if (i > 0) out.push_back(',');
    std::string key;
    append_json(key, vector.vector_child(0), list.offset + i);
    if (key.starts_with('"')) {
      out += key;
    } else {
      append_string(out, key);
    }
    out.push_back(':');
    append_json(out, vector.vector_child(1), list.offset + i);
  }
  out.push_back('}');
}

void append_union(std::string& out, const DuckVector& vector, std::size_t row) {
  const std::size_t tag = vector.union_tag(row);
  out.push_back('{');
  append_string(out, vector.type().field_names[tag]);
  out.push_back(':');
  append_json(out, vector.vector_child(tag), row);
  out.push_back('}');
}

void append_text(std::string& out, const DuckVector& vector, std::size_t row) {
  const std::string& alias = vector.type().alias;
  const std::string_view text = vector.text(row);
  if (alias == "JSON" || alias == jsonb_alias) {
    out += text;
  } else if (alias == numeric_alias) {
    append_number(out, std::string(text));
  } else {
    append_string(out, text);
  }
}

void json_of(duckdb_function_info /*info*/, duckdb_data_chunk input, duckdb_vector output) {
  const idx_t rows = duckdb_data_chunk_get_size(input);
  duckdb_vector given = duckdb_data_chunk_get_vector(input, 0);
  const OwnedType engine_type(duckdb_vector_get_column_type(given));
  const LogicalType type = logical_type(engine_type.get());
  const DuckVector values(given, type, rows);
  std::string json;
  for (idx_t row = 0; row < rows; ++row) {
    if (values.is_null(row)) {
      set_null(output, row);
      continue;
    }
    json.clear();
    append_json(json, values, row);
    set_text(output, row, json);
  }
}

}  // namespace

void append_json(std::string& out, const DuckVector& vector, std::size_t row) {
  if (vector.is_null(row)) {
    out += "null";
    return;
  }
  switch (vector.type().kind) {
    case LogicalKind::Null: out += "null"; return;
    case LogicalKind::Bool: out += vector.get<bool>(row) ? "true" : "false"; return;
    case LogicalKind::Int32: out += std::to_string(vector.get<std::int32_t>(row)); return;
    case LogicalKind::Int64: out += std::to_string(vector.get<std::int64_t>(row)); return;
    case LogicalKind::Float32: return append_floating(out, vector.get<float>(row));
    case LogicalKind::Float64: return append_floating(out, vector.get<double>(row));
    case LogicalKind::Int8:
    case LogicalKind::Int16:
    case LogicalKind::Int128:
    case LogicalKind::UInt8:
    case LogicalKind::UInt16:
    case LogicalKind::UInt32:
    case LogicalKind::UInt64:
    case LogicalKind::UInt128:
    case LogicalKind::BigInt:
    case LogicalKind::Decimal: out += vector.print(row); return;
    case LogicalKind::Numeric: return append_number(out, exact_text(vector.text(row)));
    case LogicalKind::Sortable:
      return append_string(out, sortable_text(vector.type().shown, vector.text(row)));
    case LogicalKind::Text: return append_text(out, vector, row);
    case LogicalKind::List:
    case LogicalKind::Array: return append_list(out, vector, row);
    case LogicalKind::Struct:
    case LogicalKind::Range:
    case LogicalKind::Multirange: return append_struct(out, vector, row);
    case LogicalKind::Map: return append_map(out, vector, row);
    case LogicalKind::Union: return append_union(out, vector, row);
    case LogicalKind::Bytes:
    case LogicalKind::Date:
    case LogicalKind::Time:
    case LogicalKind::TimeTz:
    case LogicalKind::Timestamp:
    case LogicalKind::TimestampS:
    case LogicalKind::TimestampMs:
    case LogicalKind::TimestampNs:
    case LogicalKind::TimestampTz:
    case LogicalKind::Interval:
    case LogicalKind::Uuid:
    case LogicalKind::Bit:
    case LogicalKind::Enum:
    case LogicalKind::Other: return append_string(out, vector.print(row));
  }
}

Result<> register_json_value(duckdb_connection connection) {
  const OwnedType any(duckdb_create_logical_type(DUCKDB_TYPE_ANY));
  return register_scalar(connection, "shown_json", {&any}, owned_type({TypeKind::Json}), json_of);
}

}  // namespace freshet::engine
