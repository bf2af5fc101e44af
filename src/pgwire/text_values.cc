#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <limits>

#include "model/date_time_text.h"
#include "model/exact_numeric.h"
#include "model/parts_text.h"
#include "model/sortable.h"
#include "pgwire/values.h"

namespace freshet::pgwire {
namespace {

using engine::LogicalKind;
using engine::LogicalType;
using engine::VectorView;

constexpr std::int64_t micros_per_second = 1'000'000;

template <typename T>
T value_at(const VectorView& vector, std::size_t row) {
  T value;
  std::memcpy(&value, static_cast<const std::byte*>(vector.data()) + row * sizeof(T), sizeof value);
  return value;
}

// Digits and exponent of the shortest form that reads back the same, laid out as PostgreSQL does:
// plain from 1e-4 up to `exponent_max`, else with an exponent of two digits at least.
template <typename T>
void append_shortest(std::string& out, T value, int exponent_max) {
  if (std::isnan(value)) {
    out += "NaN";
    return;
  }
  if (std::isinf(value)) {
    out += value < 0 ? "-Infinity" : "Infinity";
    return;
  }
  std::array<char, 64> buffer{};
  const auto written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                     std::chars_format::scientific);
  std::string_view text(buffer.data(), static_cast<std::size_t>(written.ptr - buffer.data()));
  if (text.front() == '-') {
    out.push_back('-');
    text.remove_prefix(1);
  }
  const std::size_t e = text.find('e');
  int exponent = 0;
  std::string_view exponent_text = text.substr(e + 1);
  if (exponent_text.front() == '+') exponent_text.remove_prefix(1);
  std::from_chars(exponent_text.data(), exponent_text.data() + exponent_text.size(), exponent);
  std::string digits(1, text.front());
  if (e > 2) digits += text.substr(2, e - 2);
  if (exponent < -4 || exponent >= exponent_max) {
    out.push_back(digits.front());
    if (digits.size() > 1) out.append(".").append(digits, 1);
    out.push_back('e');
    out.push_back(exponent < 0 ? '-' : '+');
    append_padded(out, std::abs(exponent), 2);
  } else if (exponent < 0) {
    out += "0.";
    out.append(static_cast<std::size_t>(-exponent - 1), '0');
    out += digits;
  } else {
    const auto whole = static_cast<std::size_t>(exponent) + 1;
    if (digits.size() <= whole) {
      out += digits;
      out.append(whole - digits.size(), '0');
    } else {
      out.append(digits, 0, whole).append(".").append(digits, whole);
    }
  }
}

// The engine packs a time with its zone: microseconds above, and below how far the zone is from the
// easternmost.
void append_packed_time(std::string& out, std::uint64_t packed) {
  constexpr std::int32_t easternmost = 16 * 3'600 - 1;
  append_timetz(out, static_cast<std::int64_t>(packed >> 24),
                easternmost - static_cast<std::int32_t>(packed & 0xFF'FFFF));
}

// Fields of a struct, in the order of range_types.h.
enum RangeField : std::size_t { lower, upper, lower_inc, upper_inc, empty };

void append_range_text(std::string& out, const LogicalType& type, const VectorView& vector,
                       std::size_t row, const TimeZone& zone) {
  const auto holds = [&](RangeField field) {
    return value_at<std::uint8_t>(vector.child(field), row) != 0;
  };
  const auto bound = [&](RangeField field) -> std::optional<std::string> {
    if (vector.child(field).is_null(row)) return std::nullopt;
    std::string text;
    append_text(text, type.children[field], vector.child(field), row, zone);
    return text;
  };
  append_range(out, {.empty = holds(empty),
                     .lower_inc = holds(lower_inc),
                     .upper_inc = holds(upper_inc),
                     .lower = bound(lower),
                     .upper = bound(upper)});
}

void append_multirange_text(std::string& out, const LogicalType& type, const VectorView& vector,
                            std::size_t row, const TimeZone& zone) {
  const VectorView& ranges = vector.child(0);
  const ListRef list = ranges.list(row);
  out.push_back('{');
  for (std::uint64_t i = 0; i < list.size; ++i) {
    if (i > 0) out.push_back(',');
    append_range_text(out, type.children.front().children.front(), ranges.child(0),
                      static_cast<std::size_t>(list.offset + i), zone);
  }
  out.push_back('}');
}

// As PostgreSQL prints a row: (1,"a b",) with nothing where a null is.
void append_record(std::string& out, const LogicalType& type, const VectorView& vector,
                   std::size_t row, const TimeZone& zone) {
  out.push_back('(');
  std::string part;
  for (std::size_t i = 0; i < type.children.size(); ++i) {
    if (i > 0) out.push_back(',');
    if (vector.child(i).is_null(row)) continue;
    part.clear();
    append_text(part, type.children[i], vector.child(i), row, zone);
    append_part(out, part, PartOf::Record);
  }
  out.push_back(')');
}

void append_list(std::string& out, const LogicalType& type, const VectorView& vector,
                 std::size_t row, const TimeZone& zone) {
  const ListRef list = vector.list(row);
  const VectorView& child = vector.child(0);
  out.push_back('{');
  std::string element;
  for (std::uint64_t i = 0; i < list.size; ++i) {
    if (i > 0) out.push_back(',');
    const auto at = static_cast<std::size_t>(list.offset + i);
    if (child.is_null(at)) {
      out += "NULL";
      continue;
    }
    element.clear();
    append_text(element, type.children.front(), child, at, zone);
    append_array_element(out, element);
  }
  out.push_back('}');
}

bool is_nested(const LogicalType& type) {
  if (type.children.empty()) return true;
  const LogicalKind inner = type.children.front().kind;
  return inner == LogicalKind::List || inner == LogicalKind::Array;
}

}  // namespace

void append_integer(std::string& out, Int128 value) {
  std::array<char, 40> digits{};
  std::size_t at = digits.size();
  const bool negative = value < 0;
  auto rest = negative ? UInt128{0} - static_cast<UInt128>(value) : static_cast<UInt128>(value);
  do {
    digits[--at] = static_cast<char>('0' + static_cast<int>(rest % 10));
    rest /= 10;
  } while (rest != 0);
  if (negative) digits[--at] = '-';
  out.append(digits.data() + at, digits.size() - at);
}

void append_decimal(std::string& out, Int128 unscaled, int scale) {
  std::string digits;
  append_integer(digits, unscaled);
  if (scale <= 0) {
    out += digits;
    return;
  }
  if (digits.front() == '-') {
    out.push_back('-');
    digits.erase(0, 1);
  }
  const auto point = static_cast<std::size_t>(scale);
  if (digits.size() <= point) digits.insert(0, point + 1 - digits.size(), '0');
  out.append(digits, 0, digits.size() - point).append(".").append(digits, digits.size() - point);
}

void append_float(std::string& out, double value) {
  append_shortest(out, value, 15);
}
void append_float(std::string& out, float value) {
  append_shortest(out, value, 6);
}

void append_timestamptz(std::string& out, std::int64_t micros, const TimeZone& zone) {
  std::int64_t seconds = micros / micros_per_second;
  if (micros % micros_per_second < 0) --seconds;
  append_timestamp(out, micros, zone.offset(seconds));
}

void append_hex(std::string& out, std::string_view bytes) {
  static constexpr std::string_view digits = "0123456789abcdef";
  out += "\\x";
  for (const char byte : bytes) {
    out.push_back(digits[static_cast<unsigned char>(byte) >> 4]);
    out.push_back(digits[static_cast<unsigned char>(byte) & 15]);
  }
}

void append_uuid(std::string& out, const void* stored) {
  std::array<std::uint64_t, 2> halves{};
  std::memcpy(halves.data(), stored, sizeof halves);
  std::string hex;
  for (const std::uint64_t half : {halves[1] ^ (std::uint64_t{1} << 63), halves[0]}) {
    const std::uint64_t big = swap_bytes(half);
    std::string part;
    append_hex(part, {reinterpret_cast<const char*>(&big), sizeof big});
    hex.append(part, 2);
  }
  out.append(hex, 0, 8).append("-").append(hex, 8, 4).append("-").append(hex, 12, 4);
  out.append("-").append(hex, 16, 4).append("-").append(hex, 20);
}

void append_array_element(std::string& out, std::string_view text) {
  static constexpr std::string_view special = "{}\",\\ \t\n\r\v\f";
  const bool is_null = text.size() == 4 && (text[0] | 32) == 'n' && (text[1] | 32) == 'u' &&
                       (text[2] | 32) == 'l' && (text[3] | 32) == 'l';
  if (!text.empty() && !is_null && text.find_first_of(special) == std::string_view::npos) {
    out += text;
    return;
  }
  out.push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back('"');
}

Int128 integer_at(const LogicalType& type, const VectorView& vector, std::size_t row) {
  switch (type.kind) {
    case LogicalKind::Int8: return value_at<std::int8_t>(vector, row);
    case LogicalKind::Int16: return value_at<std::int16_t>(vector, row);
    case LogicalKind::Int32: return value_at<std::int32_t>(vector, row);
    case LogicalKind::Int64: return value_at<std::int64_t>(vector, row);
    case LogicalKind::UInt8: return value_at<std::uint8_t>(vector, row);
    case LogicalKind::UInt16: return value_at<std::uint16_t>(vector, row);
    case LogicalKind::UInt32: return value_at<std::uint32_t>(vector, row);
    case LogicalKind::UInt64: return static_cast<Int128>(value_at<std::uint64_t>(vector, row));
    case LogicalKind::Decimal:
      if (type.precision <= 4) return value_at<std::int16_t>(vector, row);
      if (type.precision <= 9) return value_at<std::int32_t>(vector, row);
      if (type.precision <= 18) return value_at<std::int64_t>(vector, row);
      return value_at<Int128>(vector, row);
    default: return value_at<Int128>(vector, row);
  }
}

void append_text(std::string& out, const LogicalType& type, const VectorView& vector,
                 std::size_t row, const TimeZone& zone) {
  switch (type.kind) {
    case LogicalKind::Bool: out.push_back(value_at<std::uint8_t>(vector, row) ? 't' : 'f'); return;
    case LogicalKind::Int8:
    case LogicalKind::Int16:
    case LogicalKind::Int32:
    case LogicalKind::Int64:
    case LogicalKind::UInt8:
    case LogicalKind::UInt16:
    case LogicalKind::UInt32: {
      std::array<char, 24> digits{};
      const auto end = std::to_chars(digits.data(), digits.data() + digits.size(),
                                     static_cast<std::int64_t>(integer_at(type, vector, row)));
      out.append(digits.data(), end.ptr);
      return;
    }
    case LogicalKind::UInt64:
    case LogicalKind::Int128: append_integer(out, integer_at(type, vector, row)); return;
    case LogicalKind::Decimal:
      append_decimal(out, integer_at(type, vector, row), type.scale);
      return;
    case LogicalKind::Float32: append_float(out, value_at<float>(vector, row)); return;
    case LogicalKind::Float64: append_float(out, value_at<double>(vector, row)); return;
    case LogicalKind::Numeric: out += exact_text(vector.text(row)); return;
    case LogicalKind::Sortable: out += sortable_text(type.shown, vector.text(row)); return;
    case LogicalKind::Range: append_range_text(out, type, vector, row, zone); return;
    case LogicalKind::Multirange: append_multirange_text(out, type, vector, row, zone); return;
    case LogicalKind::Struct: append_record(out, type, vector, row, zone); return;
    case LogicalKind::Text: out += vector.text(row); return;
    case LogicalKind::Bytes: append_hex(out, vector.text(row)); return;
    case LogicalKind::Date: append_date(out, value_at<std::int32_t>(vector, row)); return;
    case LogicalKind::Time: append_time(out, value_at<std::int64_t>(vector, row)); return;
    case LogicalKind::TimeTz: append_packed_time(out, value_at<std::uint64_t>(vector, row)); return;
    case LogicalKind::Timestamp: append_timestamp(out, value_at<std::int64_t>(vector, row)); return;
    case LogicalKind::TimestampTz:
      append_timestamptz(out, value_at<std::int64_t>(vector, row), zone);
      return;
    case LogicalKind::Interval: append_interval(out, value_at<Interval>(vector, row)); return;
    case LogicalKind::Uuid:
      append_uuid(out, static_cast<const std::byte*>(vector.data()) + row * 16);
      return;
    case LogicalKind::List:
    case LogicalKind::Array:
      if (is_nested(type)) break;
      append_list(out, type, vector, row, zone);
      return;
    case LogicalKind::UInt128:
    case LogicalKind::TimestampS:
    case LogicalKind::TimestampMs:
    case LogicalKind::TimestampNs:
    case LogicalKind::Bit:
    case LogicalKind::BigInt:
    case LogicalKind::Enum:
    case LogicalKind::Map:
    case LogicalKind::Union:
    case LogicalKind::Null:
    case LogicalKind::Other: break;
  }
  out += vector.print(row);
}

}  // namespace freshet::pgwire
