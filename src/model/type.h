// The types a collection can hold, and how their values lie in memory.
//
// Values lie as the engine stores them, so that appending a column is a copy and not a conversion:
//
//   Bool                1 byte, 0 or 1
//   Int16 Int32 Int64   two's complement, native order
//   Float32 Float64     IEEE 754
//   Decimal(p,s)        the unscaled integer: p ≤ 4 in 2 bytes, ≤ 9 in 4, ≤ 18 in 8, ≤ 38 in 16
//   Date                int32, days since 1970-01-01; ±infinity is ±INT32_MAX
//   Time                int64, microseconds since midnight; 24:00:00 is legal
//   Timestamp(Tz)       int64, microseconds since 1970-01-01 UTC; ±infinity is ±INT64_MAX
//   Interval            int32 months, int32 days, int64 microseconds
//   Uuid                16 bytes: unsigned low half, then high half with its top bit flipped
//   Numeric Text Json Jsonb Bytes   a StringRef
//   List                an offset and a length into the child column
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace freshet {

// g++ 12 takes the enumerator Bytes for a shadow of freshet::Bytes (base/bytes.h); it is scoped.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
enum class TypeKind : std::uint8_t {
  Bool,
  Int16,
  Int32,
  Int64,
  Float32,
  Float64,
  Decimal,
  Numeric,  // numeric without a precision that fits Decimal: PostgreSQL's exact text
  Text,     // also char(n), varchar(n) and every type we do not know
  Uuid,
  Json,
  Jsonb,
  Date,
  Time,
  Timestamp,
  TimestampTz,
  Interval,
  Bytes,
  List,  // of one dimension
};
#pragma GCC diagnostic pop

// What queries see a Text as: PostgreSQL's text of a value is what we keep, and a type of the
// engine's that sorts, compares and opens as the value does is what is read.
enum class Shown : std::uint8_t {
  AsStored,
  Enum,    // in the order of its labels: ColumnSchema::labels
  Record,  // a struct of ColumnSchema::fields
  Oid,
  TimeTz,
  Inet,
  Cidr,
  Lsn,
  Xid8,
  Money,
  Int4Range,
  Int8Range,
  NumRange,
  DateRange,
  TsRange,
  TstzRange,
  Int4Multirange,
  Int8Multirange,
  NumMultirange,
  DateMultirange,
  TsMultirange,
  TstzMultirange,
};

struct Type {
  TypeKind kind = TypeKind::Text;
  std::uint8_t precision = 0;         // Decimal: 1 to 38; in a List: the element's
  std::uint8_t scale = 0;             // Decimal: 0 to precision
  TypeKind element = TypeKind::Text;  // List only; never List
  Shown shown = Shown::AsStored;      // Text, and lists of it: the element's
  friend bool operator==(const Type&, const Type&) = default;
};

// The type of a list's elements.
inline Type element_type(Type list) {
  return {list.element, list.precision, list.scale, TypeKind::Text, list.shown};
}

// `element` is no list.
inline Type list_of(Type element) {
  return {TypeKind::List, element.precision, element.scale, element.kind, element.shown};
}

inline bool is_string(TypeKind kind) {
  switch (kind) {
    case TypeKind::Numeric:
    case TypeKind::Text:
    case TypeKind::Json:
    case TypeKind::Jsonb:
    case TypeKind::Bytes: return true;
    case TypeKind::Bool:
    case TypeKind::Int16:
    case TypeKind::Int32:
    case TypeKind::Int64:
    case TypeKind::Float32:
    case TypeKind::Float64:
    case TypeKind::Decimal:
    case TypeKind::Uuid:
    case TypeKind::Date:
    case TypeKind::Time:
    case TypeKind::Timestamp:
    case TypeKind::TimestampTz:
    case TypeKind::Interval:
    case TypeKind::List: return false;
  }
  return false;
}

// Bytes of one value of a fixed-width type; 16 for strings (a StringRef) and lists (a ListRef).
std::size_t width(Type type);

// "decimal(12,2)", "list(text)": for messages and for tests.
std::string to_string(Type type);

}  // namespace freshet
