#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "model/network.h"
#include "model/sortable.h"
#include "pgwire/values.h"
#include "query/types.h"

namespace freshet::pgwire {
namespace {

using engine::LogicalKind;
using engine::LogicalType;
using engine::VectorView;

// PostgreSQL counts from 2000-01-01.
constexpr std::int32_t epoch_days = 10'957;
constexpr std::int64_t epoch_micros = std::int64_t{epoch_days} * 86'400 * 1'000'000;

template <typename T>
T value_at(const VectorView& vector, std::size_t row) {
  T value;
  std::memcpy(&value, static_cast<const std::byte*>(vector.data()) + row * sizeof(T), sizeof value);
  return value;
}

template <typename T>
void append_big(std::string& out, T value) {
  ByteWriter(out).big(value);
}

template <typename T>
T moved_to_2000(T value, T epoch) {
  constexpr T infinity = std::numeric_limits<T>::max();
  if (value == infinity) return infinity;
  if (value == -infinity) return std::numeric_limits<T>::min();
  return value - epoch;
}

template <typename To, typename From>
To bits_of(From value) {
  return std::bit_cast<To>(value);
}

std::int64_t timestamp_micros(const LogicalType& type, std::int64_t stored) {
  if (stored == std::numeric_limits<std::int64_t>::max() ||
      stored == -std::numeric_limits<std::int64_t>::max())
    return stored;
  if (type.kind == LogicalKind::TimestampS) return stored * 1'000'000;
  if (type.kind == LogicalKind::TimestampMs) return stored * 1'000;
  if (type.kind == LogicalKind::TimestampNs) return stored / 1'000;
  return stored;
}

void append_uuid_bytes(std::string& out, const VectorView& vector, std::size_t row) {
  const auto halves = value_at<std::array<std::uint64_t, 2>>(vector, row);
  append_big(out, halves[1] ^ (std::uint64_t{1} << 63));
  append_big(out, halves[0]);
}

void append_interval_bytes(std::string& out, const Interval& interval) {
  append_big(out, interval.micros);
  append_big(out, interval.days);
  append_big(out, interval.months);
}

// A value behind its length.
void append_sized(std::string& out, const LogicalType& type, const VectorView& vector,
                  std::size_t row, const TimeZone& zone) {
  const std::size_t at = out.size();
  out.append(4, '\0');
  append_binary(out, type, vector, row, zone);
  const std::uint32_t size = swap_bytes(static_cast<std::uint32_t>(out.size() - at - 4));
  std::memcpy(out.data() + at, &size, sizeof size);
}

void append_array(std::string& out, const LogicalType& type, const VectorView& vector,
                  std::size_t row, const TimeZone& zone) {
  const ListRef list = vector.list(row);
  const VectorView& child = vector.child(0);
  bool any_null = false;
  for (std::uint64_t i = 0; i < list.size; ++i)
    any_null = any_null || child.is_null(static_cast<std::size_t>(list.offset + i));
  append_big(out, std::int32_t{list.size > 0 ? 1 : 0});
  append_big(out, std::int32_t{any_null ? 1 : 0});
  append_big(out, query::type_oid(type.children.front()));
  if (list.size == 0) return;
  append_big(out, static_cast<std::int32_t>(list.size));
  append_big(out, std::int32_t{1});  // subscripts start at 1
  for (std::uint64_t i = 0; i < list.size; ++i) {
    const auto at = static_cast<std::size_t>(list.offset + i);
    if (child.is_null(at)) {
      append_big(out, std::int32_t{-1});
    } else {
      append_sized(out, type.children.front(), child, at, zone);
    }
  }
}

void append_timetz_bytes(std::string& out, std::uint64_t packed) {
  constexpr std::int32_t easternmost = 16 * 3'600 - 1;
  append_big(out, static_cast<std::int64_t>(packed >> 24));
  append_big(out, static_cast<std::int32_t>(packed & 0xFF'FFFF) - easternmost);  // west is positive
}

// Family (AF_INET, and the number behind it for v6), bits, whether it is a cidr, and the address
// behind its length.
void append_network_bytes(std::string& out, const Network& network, bool is_cidr) {
  constexpr char v4 = 2;
  constexpr char v6 = 3;
  const std::size_t size = network.v6 ? 16 : 4;
  out.push_back(network.v6 ? v6 : v4);
  out.push_back(static_cast<char>(network.bits));
  out.push_back(is_cidr ? '\1' : '\0');
  out.push_back(static_cast<char>(size));
  out.append(reinterpret_cast<const char*>(network.address.data()), size);
}

void append_sortable_bytes(std::string& out, Shown shown, std::string_view form) {
  switch (shown) {
    case Shown::Inet:
    case Shown::Cidr: return append_network_bytes(out, network_of(form), shown == Shown::Cidr);
    case Shown::Lsn:
    case Shown::Xid8:
    case Shown::Money: return append_big(out, sortable_number(shown, form));
    default: out += sortable_text(shown, form); return;
  }
}

// A byte of flags, and the bounds that are there, each behind its length.
void append_range_bytes(std::string& out, const LogicalType& type, const VectorView& vector,
                        std::size_t row, const TimeZone& zone) {
  enum Field : std::size_t { lower, upper, lower_inc, upper_inc, empty };
  constexpr std::uint8_t is_empty = 1, has_lower = 2, has_upper = 4, no_lower = 8, no_upper = 16;
  const auto holds = [&](Field field) {
    return value_at<std::uint8_t>(vector.child(field), row) != 0;
  };
  if (holds(empty)) return append_big(out, is_empty);
  const bool lower_infinite = vector.child(lower).is_null(row);
  const bool upper_infinite = vector.child(upper).is_null(row);
  append_big(out, static_cast<std::uint8_t>(
                      (holds(lower_inc) ? has_lower : 0) | (holds(upper_inc) ? has_upper : 0) |
                      (lower_infinite ? no_lower : 0) | (upper_infinite ? no_upper : 0)));
  if (!lower_infinite) append_sized(out, type.children[lower], vector.child(lower), row, zone);
  if (!upper_infinite) append_sized(out, type.children[upper], vector.child(upper), row, zone);
}

void append_multirange_bytes(std::string& out, const LogicalType& type, const VectorView& vector,
                             std::size_t row, const TimeZone& zone) {
  const VectorView& ranges = vector.child(0);
  const ListRef list = ranges.list(row);
  append_big(out, static_cast<std::int32_t>(list.size));
  for (std::uint64_t i = 0; i < list.size; ++i) {
    append_sized(out, type.children.front().children.front(), ranges.child(0),
                 static_cast<std::size_t>(list.offset + i), zone);
  }
}

// Everything whose binary form is that of its text: text itself, json, and types shown as text.
void append_from_text(std::string& out, const LogicalType& type, const VectorView& vector,
                      std::size_t row, const TimeZone& zone) {
  const std::uint32_t oid = query::type_oid(type);
  if (oid == query::oid::jsonb) out.push_back('\1');
  std::string text;
  append_text(text, type, vector, row, zone);
  if (oid == query::oid::numeric) {
    append_binary_numeric(out, text);
  } else {
    out += text;
  }
}

}  // namespace

// Groups of four digits, counted from the point; sign and scale apart.
void append_binary_numeric(std::string& out, std::string_view text) {
  constexpr std::uint16_t negative = 0x4000, nan = 0xC000, infinity = 0xD000,
                          minus_infinity = 0xF000;
  const auto header = [&](std::uint16_t digits, std::int16_t weight, std::uint16_t sign,
                          std::uint16_t scale) {
    append_big(out, digits);
    append_big(out, weight);
    append_big(out, sign);
    append_big(out, scale);
  };
  if (text == "NaN") return header(0, 0, nan, 0);
  // The scale of an infinity means nothing; PostgreSQL sends this one.
  constexpr std::uint16_t scale_of_infinity = 32;
  if (text == "Infinity") return header(0, 0, infinity, scale_of_infinity);
  if (text == "-Infinity") return header(0, 0, minus_infinity, scale_of_infinity);
  const bool minus = !text.empty() && text.front() == '-';
  if (minus) text.remove_prefix(1);
  const std::size_t point = std::min(text.find('.'), text.size());
  std::string whole(text.substr(0, point));
  std::string fraction(point < text.size() ? text.substr(point + 1) : std::string_view());
  const auto scale = static_cast<std::uint16_t>(fraction.size());
  whole.insert(0, (4 - whole.size() % 4) % 4, '0');
  fraction.append((4 - fraction.size() % 4) % 4, '0');
  const std::string all = whole + fraction;
  std::vector<std::uint16_t> groups;
  for (std::size_t at = 0; at < all.size(); at += 4) {
    std::uint16_t group = 0;
    std::from_chars(all.data() + at, all.data() + at + 4, group);
    groups.push_back(group);
  }
  auto weight = static_cast<std::int16_t>(static_cast<int>(whole.size() / 4) - 1);
  std::size_t first = 0;
  while (first < groups.size() && groups[first] == 0) {
    ++first;
    --weight;
  }
  while (groups.size() > first && groups.back() == 0) groups.pop_back();
  if (first >= groups.size()) return header(0, 0, 0, scale);
  header(static_cast<std::uint16_t>(groups.size() - first), weight, minus ? negative : 0, scale);
  for (std::size_t i = first; i < groups.size(); ++i) append_big(out, groups[i]);
}

void append_binary(std::string& out, const LogicalType& type, const VectorView& vector,
                   std::size_t row, const TimeZone& zone) {
  switch (type.kind) {
    case LogicalKind::Bool:
      out.push_back(static_cast<char>(value_at<std::uint8_t>(vector, row)));
      return;
    case LogicalKind::Int8:
    case LogicalKind::UInt8:
    case LogicalKind::Int16:
      append_big(out, static_cast<std::int16_t>(integer_at(type, vector, row)));
      return;
    case LogicalKind::UInt16:
    case LogicalKind::Int32:
    case LogicalKind::UInt32:
      append_big(out, static_cast<std::uint32_t>(integer_at(type, vector, row)));
      return;
    case LogicalKind::Sortable: append_sortable_bytes(out, type.shown, vector.text(row)); return;
    case LogicalKind::Range: append_range_bytes(out, type, vector, row, zone); return;
    case LogicalKind::Multirange: append_multirange_bytes(out, type, vector, row, zone); return;
    case LogicalKind::Int64:
      append_big(out, static_cast<std::int64_t>(integer_at(type, vector, row)));
      return;
    case LogicalKind::Float32:
      append_big(out, bits_of<std::uint32_t>(value_at<float>(vector, row)));
      return;
    case LogicalKind::Float64:
      append_big(out, bits_of<std::uint64_t>(value_at<double>(vector, row)));
      return;
    case LogicalKind::Bytes: out += vector.text(row); return;
    case LogicalKind::Date:
      append_big(out, moved_to_2000(value_at<std::int32_t>(vector, row), epoch_days));
      return;
    case LogicalKind::Time: append_big(out, value_at<std::int64_t>(vector, row)); return;
    case LogicalKind::TimeTz:
      append_timetz_bytes(out, value_at<std::uint64_t>(vector, row));
      return;
    case LogicalKind::Timestamp:
    case LogicalKind::TimestampS:
    case LogicalKind::TimestampMs:
    case LogicalKind::TimestampNs:
    case LogicalKind::TimestampTz:
      append_big(out, moved_to_2000(timestamp_micros(type, value_at<std::int64_t>(vector, row)),
                                    epoch_micros));
      return;
    case LogicalKind::Interval: append_interval_bytes(out, value_at<Interval>(vector, row)); return;
    case LogicalKind::Uuid: append_uuid_bytes(out, vector, row); return;
    case LogicalKind::List:
    case LogicalKind::Array:
      if (query::find_element(query::type_oid(type))) {
        append_array(out, type, vector, row, zone);
        return;
      }
      break;
    case LogicalKind::Int128:
    case LogicalKind::UInt64:
    case LogicalKind::UInt128:
    case LogicalKind::Decimal:
    case LogicalKind::Numeric:
    case LogicalKind::Text:
    case LogicalKind::Bit:
    case LogicalKind::BigInt:
    case LogicalKind::Enum:
    case LogicalKind::Struct:
    case LogicalKind::Map:
    case LogicalKind::Union:
    case LogicalKind::Null:
    case LogicalKind::Other: break;
  }
  append_from_text(out, type, vector, row, zone);
}

}  // namespace freshet::pgwire
