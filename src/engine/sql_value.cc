#include "engine/sql_value.h"

#include <fmt/core.h>

#include <cmath>
#include <limits>

#include "base/check.h"
#include "engine/appender.h"
#include "engine/connection.h"

namespace freshet::engine {

namespace {

__extension__ using Int128 = __int128;

template <typename T>
bool infinite(T value) {
  return value == std::numeric_limits<T>::max() || value == -std::numeric_limits<T>::max();
}

const char* infinity(bool negative) {
  return negative ? "'-infinity'" : "'infinity'";
}

// Enough digits to come back as the same number.
template <typename Float>
std::string float_text(Float value) {
  if (std::isnan(value)) return "'nan'";
  if (std::isinf(value)) return infinity(value < 0);
  return fmt::format("'{:.{}g}'", value, std::numeric_limits<Float>::max_digits10);
}

Int128 unscaled(const Column& column, std::size_t row) {
  switch (width(column.type())) {
    case 2: return column.get<std::int16_t>(row);
    case 4: return column.get<std::int32_t>(row);
    case 8: return column.get<std::int64_t>(row);
    default: return column.get<Int128>(row);
  }
}

std::string decimal_text(Int128 value, std::size_t scale) {
  const bool negative = value < 0;
  std::string digits;
  for (; value != 0; value /= 10) {
    const auto digit = static_cast<int>(value % 10);
    digits.insert(digits.begin(), static_cast<char>('0' + (negative ? -digit : digit)));
  }
  if (digits.size() <= scale) digits.insert(0, scale + 1 - digits.size(), '0');
  if (scale > 0) digits.insert(digits.size() - scale, ".");
  return fmt::format("'{}{}'", negative ? "-" : "", digits);
}

std::string date_text(std::int32_t days) {
  if (infinite(days)) return infinity(days < 0);
  return fmt::format("DATE '1970-01-01' + CAST({} AS INTEGER)", days);
}

std::string timestamp_text(std::int64_t micros, const char* make) {
  if (infinite(micros)) return infinity(micros < 0);
  return fmt::format("{}(CAST({} AS BIGINT))", make, micros);
}

std::string time_text(std::int64_t micros) {
  constexpr std::int64_t second = 1'000'000;
  const std::int64_t seconds = micros / second;
  return fmt::format("'{:02}:{:02}:{:02}.{:06}'", seconds / 3600, seconds / 60 % 60, seconds % 60,
                     micros % second);
}

std::string interval_text(Interval value) {
  return fmt::format("to_months({}) + to_days({}) + to_microseconds({})", value.months, value.days,
                     value.micros);
}

// The engine keeps the high half with its top bit flipped, so that uuids compare as numbers.
std::string uuid_text(const std::byte* bytes) {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  std::memcpy(&low, bytes, sizeof low);
  std::memcpy(&high, bytes + sizeof low, sizeof high);
  high ^= std::uint64_t{1} << 63;
  return fmt::format("'{:08x}-{:04x}-{:04x}-{:04x}-{:012x}'", high >> 32, high >> 16 & 0xffff,
                     high & 0xffff, low >> 48, low & 0xffff'ffff'ffff);
}

std::string blob_text(std::string_view bytes) {
  std::string text = "'";
  for (const char byte : bytes) text += fmt::format("\\x{:02X}", static_cast<unsigned char>(byte));
  return text + "'";
}

std::string list_text(const Column& column, std::size_t row) {
  const auto list = column.get<ListRef>(row);
  std::string text = "[";
  for (std::uint64_t i = 0; i < list.size; ++i) {
    if (i > 0) text += ", ";
    text += sql_value(column.child(), static_cast<std::size_t>(list.offset + i));
  }
  return text + "]";
}

std::string text_of(const Column& column, std::size_t row) {
  switch (column.type().kind) {
    case TypeKind::Bool: return column.get<std::uint8_t>(row) != 0 ? "true" : "false";
    case TypeKind::Int16: return std::to_string(column.get<std::int16_t>(row));
    case TypeKind::Int32: return std::to_string(column.get<std::int32_t>(row));
    // In quotes, because the engine reads -9223372036854775808 as the negative of a larger number.
    case TypeKind::Int64: return fmt::format("'{}'", column.get<std::int64_t>(row));
    case TypeKind::Float32: return float_text(column.get<float>(row));
    case TypeKind::Float64: return float_text(column.get<double>(row));
    case TypeKind::Decimal: return decimal_text(unscaled(column, row), column.type().scale);
    case TypeKind::Numeric:
    case TypeKind::Text:
    case TypeKind::Jsonb: return literal(column.text(row));
    // By way of JSONB, whose cast does not judge what PostgreSQL has accepted.
    case TypeKind::Json:
      return fmt::format("CAST({} AS {})", literal(column.text(row)),
                         sql_name({.kind = TypeKind::Jsonb}));
    case TypeKind::Uuid: return uuid_text(column.at(row));
    case TypeKind::Date: return date_text(column.get<std::int32_t>(row));
    case TypeKind::Time: return time_text(column.get<std::int64_t>(row));
    case TypeKind::Timestamp:
      return timestamp_text(column.get<std::int64_t>(row), "make_timestamp");
    case TypeKind::TimestampTz:
      return timestamp_text(column.get<std::int64_t>(row), "make_timestamptz");
    case TypeKind::Interval: return interval_text(column.get<Interval>(row));
    case TypeKind::Bytes: return blob_text(column.text(row));
    case TypeKind::List: return list_text(column, row);
  }
  return "NULL";
}

}  // namespace

std::string sql_value(const Column& column, std::size_t row) {
  CHECK(column.state(row) != ValueState::Unchanged);
  const bool present = column.state(row) == ValueState::Present;
  return fmt::format("CAST({} AS {})", present ? text_of(column, row) : "NULL",
                     sql_name(column.type()));
}

}  // namespace freshet::engine
