// Values as the types' output functions print them under the settings every connection pins.
#include <charconv>

#include "model/date_time.h"
#include "postgres/numeric.h"
#include "postgres/values_format.h"

namespace freshet::postgres {

namespace {

constexpr auto ok = ValueFault::None;
constexpr auto malformed = ValueFault::Malformed;

// Integers in decimal; floats in the shortest form that reads back exactly, NaN, ±Infinity.
template <typename T>
ValueFault append_number(Column& column, std::uint32_t, Bytes value, Arena&) {
  const std::string_view text = as_text(value);
  T number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return malformed;
  column.append(number);
  return ok;
}

ValueFault append_bool(Column& column, std::uint32_t, Bytes value, Arena&) {
  const std::string_view text = as_text(value);
  if (text != "t" && text != "f") return malformed;
  column.append(static_cast<std::uint8_t>(text == "t"));
  return ok;
}

template <typename Storage>
ValueFault append_decimal(Column& column, std::uint32_t, Bytes value, Arena&) {
  const Type type = column.type();
  const ScaledInteger scaled = scaled_from_text(as_text(value), type.precision, type.scale);
  if (scaled.fault != ok) return scaled.fault;
  column.append(static_cast<Storage>(scaled.value));
  return ok;
}

ValueFault append_numeric(Column& column, std::uint32_t, Bytes value, Arena&) {
  if (!is_numeric_text(as_text(value))) return malformed;
  column.append_string(as_text(value));
  return ok;
}

template <auto parse>
ValueFault append_parsed(Column& column, std::uint32_t, Bytes value, Arena&) {
  const auto parsed = parse(as_text(value));
  if (parsed.fault != ok) return parsed.fault;
  column.append(parsed.value);
  return ok;
}

template <bool with_zone>
ValueFault append_timestamp(Column& column, std::uint32_t, Bytes value, Arena&) {
  const auto parsed = timestamp_from_text(as_text(value), with_zone);
  if (parsed.fault != ok) return parsed.fault;
  column.append(parsed.value);
  return ok;
}

// -1 for what is no hexadecimal digit.
int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// 550e8400-e29b-41d4-a716-446655440000
ValueFault append_uuid(Column& column, std::uint32_t, Bytes value, Arena&) {
  const std::string_view text = as_text(value);
  if (text.size() != 36) return malformed;
  std::uint64_t halves[2] = {0, 0};  // low, high
  int digits = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (text[i] != '-') return malformed;
      continue;
    }
    const int digit = hex_digit(text[i]);
    if (digit < 0) return malformed;
    std::uint64_t& half = halves[digits++ < 16 ? 1 : 0];
    half = half << 4 | static_cast<std::uint64_t>(digit);
  }
  halves[1] ^= std::uint64_t{1} << 63;
  column.append_bytes(halves, sizeof halves);
  return ok;
}

ValueFault append_hex_bytes(Column& column, std::string_view hex, Arena& arena) {
  if (hex.size() % 2 != 0) return malformed;
  char* const bytes = arena.allocate(hex.size() / 2);
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const int high = hex_digit(hex[i]);
    const int low = hex_digit(hex[i + 1]);
    if (high < 0 || low < 0) return malformed;
    bytes[i / 2] = static_cast<char>(high << 4 | low);
  }
  column.append_string({bytes, hex.size() / 2});
  return ok;
}

// bytea_output = escape: \\ for a backslash, \ooo for what is not printable.
ValueFault append_escaped_bytes(Column& column, std::string_view text, Arena& arena) {
  char* const bytes = arena.allocate(text.size());
  std::size_t size = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      bytes[size++] = text[i];
      continue;
    }
    const std::string_view escape = text.substr(i + 1, 3);
    if (escape.starts_with('\\')) {
      bytes[size++] = '\\';
      i += 1;
      continue;
    }
    unsigned code = 0;
    const auto [end, error] =
        std::from_chars(escape.data(), escape.data() + escape.size(), code, 8);
    if (error != std::errc{} || end != escape.data() + 3 || code > 0xff) return malformed;
    bytes[size++] = static_cast<char>(code);
    i += 3;
  }
  column.append_string({bytes, size});
  return ok;
}

ValueFault append_bytea(Column& column, std::uint32_t, Bytes value, Arena& arena) {
  const std::string_view text = as_text(value);
  if (text.starts_with("\\x")) return append_hex_bytes(column, text.substr(2), arena);
  if (text.find('\\') != std::string_view::npos) return append_escaped_bytes(column, text, arena);
  column.append_string(text);
  return ok;
}

// Servers before 16 send a byte beyond ASCII as it is, which is no UTF-8.
ValueFault append_char(Column& column, std::uint32_t, Bytes value, Arena& arena) {
  if (value.size() == 1) return append_char_byte(column, value[0], arena);
  column.append_string(as_text(value));
  return ok;
}

ValueDecoder::Function decimal_function(Type type) {
  switch (width(type)) {
    case 2: return append_decimal<std::int16_t>;
    case 4: return append_decimal<std::int32_t>;
    case 8: return append_decimal<std::int64_t>;
    default: return append_decimal<Int128>;
  }
}

}  // namespace

ValueDecoder::Function text_function(std::uint32_t type_oid, Type type) {
  constexpr std::uint32_t char_oid = 18;
  switch (type.kind) {
    case TypeKind::Bool: return append_bool;
    case TypeKind::Int16: return append_number<std::int16_t>;
    case TypeKind::Int32: return append_number<std::int32_t>;
    case TypeKind::Int64: return append_number<std::int64_t>;
    case TypeKind::Float32: return append_number<float>;
    case TypeKind::Float64: return append_number<double>;
    case TypeKind::Decimal: return decimal_function(type);
    case TypeKind::Numeric: return append_numeric;
    case TypeKind::Text: return type_oid == char_oid ? append_char : append_plain_text;
    case TypeKind::Json:
    case TypeKind::Jsonb: return append_plain_text;
    case TypeKind::Bytes: return append_bytea;
    case TypeKind::Uuid: return append_uuid;
    case TypeKind::Date: return append_parsed<date_from_text>;
    case TypeKind::Time: return append_parsed<time_from_text>;
    case TypeKind::Timestamp: return append_timestamp<false>;
    case TypeKind::TimestampTz: return append_timestamp<true>;
    case TypeKind::Interval: return append_parsed<interval_from_text>;
    case TypeKind::List: return append_text_array;
  }
  return append_plain_text;
}

}  // namespace freshet::postgres
