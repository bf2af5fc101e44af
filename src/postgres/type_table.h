// The built-in types of PostgreSQL that are more than a text to us, with their object ids
// (pg_type.dat).
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
  // Kept as text, and shown as this; its binary form is not read. AsStored: it is read.
  Shown shown = Shown::AsStored;
};

// The elements of all of these arrays are separated by commas.
inline constexpr std::array<KnownType, 40> known_types{{
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
    {26, 1028, TypeKind::Text, "oid", Shown::Oid},
    {1266, 1270, TypeKind::Text, "timetz", Shown::TimeTz},
    {869, 1041, TypeKind::Text, "inet", Shown::Inet},
    {650, 651, TypeKind::Text, "cidr", Shown::Cidr},
    {3220, 3221, TypeKind::Text, "pg_lsn", Shown::Lsn},
    {5069, 271, TypeKind::Text, "xid8", Shown::Xid8},
    {790, 791, TypeKind::Text, "money", Shown::Money},
    {3904, 3905, TypeKind::Text, "int4range", Shown::Int4Range},
    {3926, 3927, TypeKind::Text, "int8range", Shown::Int8Range},
    {3906, 3907, TypeKind::Text, "numrange", Shown::NumRange},
    {3912, 3913, TypeKind::Text, "daterange", Shown::DateRange},
    {3908, 3909, TypeKind::Text, "tsrange", Shown::TsRange},
    {3910, 3911, TypeKind::Text, "tstzrange", Shown::TstzRange},
    {4451, 6150, TypeKind::Text, "int4multirange", Shown::Int4Multirange},
    {4536, 6157, TypeKind::Text, "int8multirange", Shown::Int8Multirange},
    {4532, 6151, TypeKind::Text, "nummultirange", Shown::NumMultirange},
    {4535, 6155, TypeKind::Text, "datemultirange", Shown::DateMultirange},
    {4533, 6152, TypeKind::Text, "tsmultirange", Shown::TsMultirange},
    {4534, 6153, TypeKind::Text, "tstzmultirange", Shown::TstzMultirange},
}};

// Of a type or of its array; null when we know it as text only.
const KnownType* known_type(std::uint32_t type_oid);

}  // namespace freshet::postgres
