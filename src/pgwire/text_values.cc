#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <limits>

#include "model/exact_numeric.h"
#include "pgwire/values.h"

namespace freshet::pgwire {
namespace {

using engine::LogicalKind;
using engine::LogicalType;
using engine::VectorView;

constexpr std::int64_t micros_per_second = 1'000'000;
constexpr std::int64_t micros_per_day = 86'400 * micros_per_second;

template <typename T>
T value_at(const VectorView& vector, std::size_t row) {
  T value;
  std::memcpy(&value, static_cast<const std::byte*>(vector.data()) + row * sizeof(T), sizeof value);
  return value;
}

void append_padded(std::string& out, std::int64_t value, std::size_t digits) {
  const std::string text = std::to_string(value);
  if (text.size() < digits) out.append(digits - text.size(), '0');
  out += text;
}

// ".5", ".000001", nothing for a whole second.
void append_fraction(std::string& out, std::int64_t micros) {
  if (micros == 0) return;
  out.push_back('.');
  append_padded(out, micros, 6);
  while (out.back() == '0') out.pop_back();
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

// The date without its era; true when it is before Christ.
bool append_day(std::string& out, std::int64_t days) {
  // Civil date from days, proleptic Gregorian, in 64 bits: the engine's years exceed std::chrono's.
  const std::int64_t shifted = days + 719'468;
  const std::int64_t era = (shifted >= 0 ? shifted : shifted - 146'096) / 146'097;
  const std::int64_t day_of_era = shifted - era * 146'097;
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t shifted_month = (5 * day_of_year + 2) / 153;
  const std::int64_t day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
  const std::int64_t month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  const std::int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
  append_padded(out, year > 0 ? year : 1 - year, 4);
  out.push_back('-');
  append_padded(out, month, 2);
  out.push_back('-');
  append_padded(out, day, 2);
  return year <= 0;
}

void append_clock(std::string& out, std::int64_t micros) {
  const std::int64_t seconds = micros / micros_per_second;
  append_padded(out, seconds / 3'600, 2);
  out.push_back(':');
  append_padded(out, seconds / 60 % 60, 2);
  out.push_back(':');
  append_padded(out, seconds % 60, 2);
  append_fraction(out, micros % micros_per_second);
}

void append_offset(std::string& out, std::int32_t seconds) {
  out.push_back(seconds < 0 ? '-' : '+');
  const std::int32_t size = std::abs(seconds);
  append_padded(out, size / 3'600, 2);
  if (size % 3'600 != 0) {
    out.push_back(':');
    append_padded(out, size / 60 % 60, 2);
  }
  if (size % 60 != 0) {
    out.push_back(':');
    append_padded(out, size % 60, 2);
  }
}

// True when it was an infinity, which is written out.
bool append_infinity(std::string& out, std::int64_t value, std::int64_t infinity) {
  if (value != infinity && value != -infinity) return false;
  out += value > 0 ? "infinity" : "-infinity";
  return true;
}

// `offset` in seconds, when one is to be shown.
void append_moment(std::string& out, std::int64_t micros, const std::int32_t* offset) {
  if (append_infinity(out, micros, std::numeric_limits<std::int64_t>::max())) return;
  const std::int64_t local = micros + (offset ? *offset * micros_per_second : 0);
  std::int64_t days = local / micros_per_day;
  if (local % micros_per_day < 0) --days;
  const bool before_christ = append_day(out, days);
  out.push_back(' ');
  append_clock(out, local - days * micros_per_day);
  if (offset) append_offset(out, *offset);
  if (before_christ) out += " BC";
}

// The engine packs a time with its zone: microseconds above, and below how far the zone is from the
// easternmost.
void append_timetz(std::string& out, std::uint64_t packed) {
  constexpr std::int32_t easternmost = 16 * 3'600 - 1;
  append_clock(out, static_cast<std::int64_t>(packed >> 24));
  append_offset(out, easternmost - static_cast<std::int32_t>(packed & 0xFF'FFFF));
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

void append_date(std::string& out, std::int32_t days) {
  if (append_infinity(out, days, std::numeric_limits<std::int32_t>::max())) return;
  if (append_day(out, days)) out += " BC";
}

void append_time(std::string& out, std::int64_t micros) {
  append_clock(out, micros);
}

void append_timestamp(std::string& out, std::int64_t micros) {
  append_moment(out, micros, nullptr);
}

void append_timestamptz(std::string& out, std::int64_t micros, const TimeZone& zone) {
  std::int64_t seconds = micros / micros_per_second;
  if (micros % micros_per_second < 0) --seconds;
  const std::int32_t offset = zone.offset(seconds);
  append_moment(out, micros, &offset);
}

void append_interval(std::string& out, const Interval& interval) {
  const std::size_t begin = out.size();
  bool negative_before = false;
  const auto part = [&](std::int32_t value, std::string_view unit) {
    if (value == 0) return;
    if (out.size() > begin) out.push_back(' ');
    if (negative_before && value > 0) out.push_back('+');
    out += std::to_string(value);
    out.append(" ").append(unit);
    if (value != 1) out.push_back('s');
    negative_before = value < 0;
  };
  part(interval.months / 12, "year");
  part(interval.months % 12, "mon");
  part(interval.days, "day");
  if (out.size() > begin && interval.micros == 0) return;
  if (out.size() > begin) out.push_back(' ');
  if (interval.micros < 0) {
    out.push_back('-');
  } else if (negative_before) {
    out.push_back('+');
  }
  const auto size = interval.micros < 0 ? 0 - static_cast<std::uint64_t>(interval.micros)
                                        : static_cast<std::uint64_t>(interval.micros);
  append_clock(out, static_cast<std::int64_t>(
                        std::min<std::uint64_t>(size, std::numeric_limits<std::int64_t>::max())));
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
    case LogicalKind::Text: out += vector.text(row); return;
    case LogicalKind::Bytes: append_hex(out, vector.text(row)); return;
    case LogicalKind::Date: append_date(out, value_at<std::int32_t>(vector, row)); return;
    case LogicalKind::Time: append_time(out, value_at<std::int64_t>(vector, row)); return;
    case LogicalKind::TimeTz: append_timetz(out, value_at<std::uint64_t>(vector, row)); return;
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
    case LogicalKind::Struct:
    case LogicalKind::Map:
    case LogicalKind::Union:
    case LogicalKind::Null:
    case LogicalKind::Other: break;
  }
  out += vector.print(row);
}

}  // namespace freshet::pgwire
