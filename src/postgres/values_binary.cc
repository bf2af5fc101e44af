// Values as the types' send functions write them: network order, exact, free of settings.
#include <bit>

#include "model/date_time.h"
#include "postgres/numeric.h"
#include "postgres/type_table.h"
#include "postgres/utf8.h"
#include "postgres/values_format.h"

namespace freshet::postgres {

namespace {

constexpr auto ok = ValueFault::None;
constexpr auto malformed = ValueFault::Malformed;

// Integers and floats: the same bits in the other order.
template <typename Bits>
ValueFault append_number(Column& column, std::uint32_t, Bytes value, Arena&) {
  if (value.size() != sizeof(Bits)) return malformed;
  column.append(load_big<Bits>(value.data()));
  return ok;
}

ValueFault append_bool(Column& column, std::uint32_t, Bytes value, Arena&) {
  if (value.size() != 1) return malformed;
  column.append(static_cast<std::uint8_t>(value[0] != std::byte{0}));
  return ok;
}

template <typename T, auto convert>
ValueFault append_converted(Column& column, std::uint32_t, Bytes value, Arena&) {
  if (value.size() != sizeof(T)) return malformed;
  const auto converted = convert(load_big<T>(value.data()));
  if (converted.fault != ok) return converted.fault;
  column.append(converted.value);
  return ok;
}

ValueFault append_interval(Column& column, std::uint32_t, Bytes value, Arena&) {
  if (value.size() != 16) return malformed;
  Interval interval;
  interval.micros = load_big<std::int64_t>(value.data());
  interval.days = load_big<std::int32_t>(value.data() + 8);
  interval.months = load_big<std::int32_t>(value.data() + 12);
  // PostgreSQL 17 says infinity with every field at its limit.
  constexpr Interval most{INT32_MAX, INT32_MAX, INT64_MAX};
  constexpr Interval least{INT32_MIN, INT32_MIN, INT64_MIN};
  const auto equals = [&](const Interval& other) {
    return interval.months == other.months && interval.days == other.days &&
           interval.micros == other.micros;
  };
  if (equals(most) || equals(least)) return ValueFault::Infinite;
  column.append(interval);
  return ok;
}

ValueFault append_uuid(Column& column, std::uint32_t, Bytes value, Arena&) {
  if (value.size() != 16) return malformed;
  constexpr std::uint64_t top_bit = std::uint64_t{1} << 63;
  const std::uint64_t halves[2] = {load_big<std::uint64_t>(value.data() + 8),
                                   load_big<std::uint64_t>(value.data()) ^ top_bit};
  column.append_bytes(halves, sizeof halves);
  return ok;
}

template <typename Storage>
ValueFault append_decimal(Column& column, std::uint32_t, Bytes value, Arena&) {
  const Type type = column.type();
  const ScaledInteger scaled = scaled_from_binary(value, type.precision, type.scale);
  if (scaled.fault != ok) return scaled.fault;
  column.append(static_cast<Storage>(scaled.value));
  return ok;
}

ValueFault append_numeric(Column& column, std::uint32_t, Bytes value, Arena& arena) {
  const NumericText numeric = text_from_binary(value, arena);
  if (numeric.fault != ok) return numeric.fault;
  column.append_string(numeric.text);
  return ok;
}

ValueFault append_char(Column& column, std::uint32_t, Bytes value, Arena& arena) {
  if (value.size() != 1) return malformed;
  return append_char_byte(column, value[0], arena);
}

// A version byte before the text.
ValueFault append_jsonb(Column& column, std::uint32_t, Bytes value, Arena& arena) {
  if (value.empty() || value[0] != std::byte{1}) return malformed;
  return append_plain_text(column, 0, value.subspan(1), arena);
}

ValueFault append_bytes(Column& column, std::uint32_t, Bytes value, Arena&) {
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

ValueDecoder::Function binary_function(std::uint32_t type_oid, Type type) {
  constexpr std::uint32_t char_oid = 18;
  switch (type.kind) {
    case TypeKind::Bool: return append_bool;
    case TypeKind::Int16: return append_number<std::int16_t>;
    case TypeKind::Int32:
    case TypeKind::Float32: return append_number<std::int32_t>;
    case TypeKind::Int64:
    case TypeKind::Float64: return append_number<std::int64_t>;
    case TypeKind::Decimal: return decimal_function(type);
    case TypeKind::Numeric: return append_numeric;
    case TypeKind::Text: return type_oid == char_oid ? append_char : append_plain_text;
    case TypeKind::Json: return append_plain_text;
    case TypeKind::Bytes: return append_bytes;
    case TypeKind::Jsonb: return append_jsonb;
    case TypeKind::Uuid: return append_uuid;
    case TypeKind::Date: return append_converted<std::int32_t, date_from_binary>;
    case TypeKind::Time: return append_converted<std::int64_t, time_from_binary>;
    case TypeKind::Timestamp:
    case TypeKind::TimestampTz: return append_converted<std::int64_t, timestamp_from_binary>;
    case TypeKind::Interval: return append_interval;
    case TypeKind::List: return append_binary_array;
  }
  return append_plain_text;
}

ValueFault append_plain_text(Column& column, std::uint32_t, Bytes value, Arena&) {
  if (!is_utf8(value)) return ValueFault::Encoding;
  column.append_string(as_text(value));
  return ok;
}

ValueFault append_char_byte(Column& column, std::byte value, Arena& arena) {
  const auto code = static_cast<unsigned>(value);
  if (code == 0) {
    column.append_string({});
    return ok;
  }
  const char octal[4] = {'\\', static_cast<char>('0' + (code >> 6)),
                         static_cast<char>('0' + ((code >> 3) & 7)),
                         static_cast<char>('0' + (code & 7))};
  const char plain = static_cast<char>(code);
  column.append_string(arena.keep(code < 0x80 ? std::string_view(&plain, 1)
                                              : std::string_view(octal, sizeof octal)));
  return ok;
}

}  // namespace freshet::postgres
