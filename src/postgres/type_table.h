// The built-in types of PostgreSQL whose values we decode, with their object ids (pg_type.dat).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "model/type.h"

namespace freshet::postgres {

struct KnownType {
  std::uint32_t type_oid;
  std::uint32_t array_oid;
  TypeKind kind;  // Numeric stands for Decimal too: the typmod decides
  std::string_view name;
};

// The elements of all of these arrays are separated by commas.
inline constexpr std::array<KnownType, 21> known_types{{
    {20, 1016, TypeKind::Int64, "int8"},
    {23, 1007, TypeKind::Int32, "int4"},
    {25, 1009, TypeKind::Text, "text"},
    {1043, 1015, TypeKind::Text, "varchar"},
    {1184, 1185, TypeKind::TimestampTz, "timestamptz"},
    {1114, 1115, TypeKind::Timestamp, "timestamp"},
    {1700, 1231, TypeKind::Numeric, "numeric"},
    {16, 1000, TypeKind::Bool, "bool"},
    {701, 1022, TypeKind::Float64, "float8"},
    {2950, 2951, TypeKind::Uuid, "uuid"},
    {3802, 3807, TypeKind::Jsonb, "jsonb"},
    {114, 199, TypeKind::Json, "json"},
    {1082, 1182, TypeKind::Date, "date"},
    {21, 1005, TypeKind::Int16, "int2"},
    {700, 1021, TypeKind::Float32, "float4"},
    {1042, 1014, TypeKind::Text, "bpchar"},
    {17, 1001, TypeKind::Bytes, "bytea"},
    {1083, 1183, TypeKind::Time, "time"},
    {1186, 1187, TypeKind::Interval, "interval"},
    {19, 1003, TypeKind::Text, "name"},
    {18, 1002, TypeKind::Text, "\"char\""},
}};

// Of a type or of its array; null when we know it as text only.
const KnownType* known_type(std::uint32_t type_oid);

}  // namespace freshet::postgres
