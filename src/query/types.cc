#include "query/types.h"

#include "engine/range_types.h"

#include <algorithm>
#include <array>

namespace freshet::query {
namespace {

constexpr std::array types = {
    PgType{16, 1000, "bool", "boolean", "BOOLEAN", 1, 'B'},
    PgType{17, 1001, "bytea", "bytea", "BLOB", -1, 'U'},
    PgType{18, 1002, "char", "\"char\"", "VARCHAR", 1, 'Z'},
    PgType{19, 1003, "name", "name", "VARCHAR", 64, 'S'},
    PgType{20, 1016, "int8", "bigint", "BIGINT", 8, 'N'},
    PgType{21, 1005, "int2", "smallint", "SMALLINT", 2, 'N'},
    PgType{23, 1007, "int4", "integer", "INTEGER", 4, 'N'},
    PgType{24, 1008, "regproc", "regproc", "VARCHAR", 4, 'N'},
    PgType{25, 1009, "text", "text", "VARCHAR", -1, 'S'},
    PgType{26, 1028, "oid", "oid", "UINTEGER", 4, 'N'},
    PgType{114, 199, "json", "json", "JSON", -1, 'U'},
    PgType{142, 143, "xml", "xml", "VARCHAR", -1, 'U'},
    PgType{600, 1017, "point", "point", "VARCHAR", 16, 'G'},
    PgType{650, 651, "cidr", "cidr", "CIDR", -1, 'I'},
    PgType{700, 1021, "float4", "real", "REAL", 4, 'N'},
    PgType{701, 1022, "float8", "double precision", "DOUBLE", 8, 'N'},
    PgType{705, 0, "unknown", "unknown", "VARCHAR", -2, 'X'},
    PgType{790, 791, "money", "money", "MONEY", 8, 'N'},
    PgType{829, 1040, "macaddr", "macaddr", "VARCHAR", 6, 'U'},
    PgType{869, 1041, "inet", "inet", "INET", -1, 'I'},
    PgType{1042, 1014, "bpchar", "character", "VARCHAR", -1, 'S'},
    PgType{1043, 1015, "varchar", "character varying", "VARCHAR", -1, 'S'},
    PgType{1082, 1182, "date", "date", "DATE", 4, 'D'},
    PgType{1083, 1183, "time", "time without time zone", "TIME", 8, 'D'},
    PgType{1114, 1115, "timestamp", "timestamp without time zone", "TIMESTAMP", 8, 'D'},
    PgType{1184, 1185, "timestamptz", "timestamp with time zone", "TIMESTAMPTZ", 8, 'D'},
    PgType{1186, 1187, "interval", "interval", "INTERVAL", 16, 'T'},
    PgType{1266, 1270, "timetz", "time with time zone", "TIMETZ", 12, 'D'},
    PgType{1560, 1561, "bit", "bit", "VARCHAR", -1, 'V'},
    PgType{1562, 1563, "varbit", "bit varying", "VARCHAR", -1, 'V'},
    PgType{1700, 1231, "numeric", "numeric", "DECIMAL(38,10)", -1, 'N'},
    PgType{2205, 2210, "regclass", "regclass", "VARCHAR", 4, 'N'},
    PgType{2206, 2211, "regtype", "regtype", "VARCHAR", 4, 'N'},
    PgType{2950, 2951, "uuid", "uuid", "UUID", 16, 'U'},
    PgType{3220, 3221, "pg_lsn", "pg_lsn", "PG_LSN", 8, 'U'},
    PgType{3614, 3643, "tsvector", "tsvector", "VARCHAR", -1, 'U'},
    PgType{3802, 3807, "jsonb", "jsonb", "JSONB", -1, 'U'},
    PgType{3904, 3905, "int4range", "int4range", "VARCHAR", -1, 'R'},
    PgType{3906, 3907, "numrange", "numrange", "VARCHAR", -1, 'R'},
    PgType{3908, 3909, "tsrange", "tsrange", "VARCHAR", -1, 'R'},
    PgType{3910, 3911, "tstzrange", "tstzrange", "VARCHAR", -1, 'R'},
    PgType{3912, 3913, "daterange", "daterange", "VARCHAR", -1, 'R'},
    PgType{3926, 3927, "int8range", "int8range", "VARCHAR", -1, 'R'},
    PgType{4451, 6150, "int4multirange", "int4multirange", "VARCHAR", -1, 'R'},
    PgType{4532, 6151, "nummultirange", "nummultirange", "VARCHAR", -1, 'R'},
    PgType{4533, 6152, "tsmultirange", "tsmultirange", "VARCHAR", -1, 'R'},
    PgType{4534, 6153, "tstzmultirange", "tstzmultirange", "VARCHAR", -1, 'R'},
    PgType{4535, 6155, "datemultirange", "datemultirange", "VARCHAR", -1, 'R'},
    PgType{4536, 6157, "int8multirange", "int8multirange", "VARCHAR", -1, 'R'},
    PgType{5069, 271, "xid8", "xid8", "XID8", 8, 'U'},
};

std::uint32_t text_oid(const std::string& alias) {
  if (alias == "JSON") return oid::json;
  if (alias == "JSONB") return oid::jsonb;
  if (alias == "NUMERIC_TEXT") return oid::numeric;
  return oid::text;
}

std::uint32_t shown_oid(Shown shown) {
  switch (shown) {
    case Shown::Inet: return 869;
    case Shown::Cidr: return 650;
    case Shown::Lsn: return 3220;
    case Shown::Xid8: return 5069;
    case Shown::Money: return 790;
    case Shown::Int4Range: return 3904;
    case Shown::Int8Range: return 3926;
    case Shown::NumRange: return 3906;
    case Shown::DateRange: return 3912;
    case Shown::TsRange: return 3908;
    case Shown::TstzRange: return 3910;
    case Shown::Int4Multirange: return 4451;
    case Shown::Int8Multirange: return 4536;
    case Shown::NumMultirange: return 4532;
    case Shown::DateMultirange: return 4535;
    case Shown::TsMultirange: return 4533;
    case Shown::TstzMultirange: return 4534;
    case Shown::AsStored:
    case Shown::Enum:
    case Shown::Record:
    case Shown::Oid:
    case Shown::TimeTz: return oid::text;
  }
  return oid::text;
}

std::uint32_t list_oid(const engine::LogicalType& type) {
  if (type.children.empty()) return oid::text;
  const engine::LogicalKind inner = type.children.front().kind;
  if (inner == engine::LogicalKind::List || inner == engine::LogicalKind::Array) return oid::text;
  const PgType* element = find_type(type_oid(type.children.front()));
  return element ? element->array_oid : oid::text;
}

// Behind the name: (12,2), (20); the precision of times stands in the middle of their names.
std::string with_modifier(const PgType& type, std::int32_t modifier) {
  std::string name(type.sql_name);
  if (modifier < 0) return type.oid == oid::bpchar ? "bpchar" : name;
  switch (type.oid) {
    case oid::varchar:
    case oid::bpchar: return name + "(" + std::to_string(modifier - 4) + ")";
    case oid::numeric: {
      const std::int32_t scale = ((((modifier - 4) & 0x7FF) ^ 1024) - 1024);
      return name + "(" + std::to_string((modifier - 4) >> 16) + "," + std::to_string(scale) + ")";
    }
    case oid::time:
    case oid::timetz:
    case oid::timestamp:
    case oid::timestamptz: {
      const std::size_t space = name.find(' ');
      return name.insert(space, "(" + std::to_string(modifier) + ")");
    }
    case 1560:
    case 1562: return name + "(" + std::to_string(modifier) + ")";
    default: return name;
  }
}

}  // namespace

std::span<const PgType> pg_types() {
  return types;
}

const PgType* find_type(std::uint32_t type_oid) {
  const auto* found = std::ranges::find(types, type_oid, &PgType::oid);
  return found == types.end() ? nullptr : &*found;
}

const PgType* find_element(std::uint32_t array_oid) {
  if (array_oid == 0) return nullptr;
  const auto* found = std::ranges::find(types, array_oid, &PgType::array_oid);
  return found == types.end() ? nullptr : &*found;
}

std::uint32_t type_oid(const engine::LogicalType& type) {
  using Kind = engine::LogicalKind;
  switch (type.kind) {
    case Kind::Bool: return oid::boolean;
    case Kind::Int8:
    case Kind::UInt8:
    case Kind::Int16: return oid::int2;
    case Kind::UInt16:
    case Kind::Int32: return oid::int4;
    case Kind::UInt32: return oid::oid;
    case Kind::Int64: return oid::int8;
    case Kind::UInt64:
    case Kind::Int128:
    case Kind::UInt128:
    case Kind::BigInt:
    case Kind::Numeric:
    case Kind::Decimal: return oid::numeric;
    case Kind::Float32: return oid::float4;
    case Kind::Float64: return oid::float8;
    case Kind::Sortable:
    case Kind::Range:
    case Kind::Multirange: return shown_oid(type.shown);
    case Kind::Text: return text_oid(type.alias);
    case Kind::Bytes: return oid::bytea;
    case Kind::Date: return oid::date;
    case Kind::Time: return oid::time;
    case Kind::TimeTz: return oid::timetz;
    case Kind::Timestamp:
    case Kind::TimestampS:
    case Kind::TimestampMs:
    case Kind::TimestampNs: return oid::timestamp;
    case Kind::TimestampTz: return oid::timestamptz;
    case Kind::Interval: return oid::interval;
    case Kind::Uuid: return oid::uuid;
    case Kind::List:
    case Kind::Array: return list_oid(type);
    case Kind::Bit:
    case Kind::Enum:
    case Kind::Struct:
    case Kind::Map:
    case Kind::Union:
    case Kind::Null:
    case Kind::Other: return oid::text;
  }
  return oid::text;
}

std::int32_t type_modifier(const engine::LogicalType& type) {
  if (type.kind == engine::LogicalKind::Decimal)
    return ((static_cast<std::int32_t>(type.precision) << 16) | type.scale) + 4;
  if ((type.kind == engine::LogicalKind::List || type.kind == engine::LogicalKind::Array) &&
      !type.children.empty() && type.children.front().kind == engine::LogicalKind::Decimal)
    return type_modifier(type.children.front());
  return -1;
}

std::int16_t type_length(std::uint32_t type_oid) {
  const PgType* type = find_type(type_oid);
  return type ? type->length : std::int16_t{-1};
}

std::string engine_cast(std::uint32_t type_oid) {
  const auto name = [](const PgType& type) {
    const std::string range = engine::range_type_named(type.name);
    return range.empty() ? std::string(type.engine_name) : range;
  };
  if (const PgType* type = find_type(type_oid)) return name(*type);
  if (const PgType* element = find_element(type_oid)) return name(*element) + "[]";
  return {};
}

std::string format_type(std::uint32_t type_oid, std::int32_t modifier) {
  if (const PgType* type = find_type(type_oid)) return with_modifier(*type, modifier);
  if (const PgType* element = find_element(type_oid))
    return with_modifier(*element, modifier) + "[]";
  return "text";
}

}  // namespace freshet::query
