// PostgreSQL's types: which of ours holds each, and how its values arrive.
#pragma once

#include <cstdint>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/result.h"
#include "model/column.h"
#include "model/schema.h"
#include "model/type.h"

namespace freshet::postgres {

// Built-in object ids that the code names; the full table is in types.cc.
namespace oid {
inline constexpr std::uint32_t boolean = 16, bytea = 17, int8 = 20, int2 = 21, int4 = 23, text = 25,
                               json = 114, float4 = 700, float8 = 701, bpchar = 1042,
                               varchar = 1043, date = 1082, time = 1083, timestamp = 1114,
                               timestamptz = 1184, interval = 1186, numeric = 1700, uuid = 2950,
                               jsonb = 3802;
}

// The type that holds a PostgreSQL type exactly; Text for every type we do not know.
Type type_for(std::uint32_t type_oid, std::int32_t typmod);

// True when binary values of this type can be decoded into `type`. False: ask for their text.
bool has_binary_form(std::uint32_t type_oid, Type type);
inline bool has_binary_form(const ColumnSchema& column) {
  return has_binary_form(column.pg_type, column.type);
}

// How a value arrived.
enum class Format : std::uint8_t { Text, Binary };

// Appends one value to its column, whose type is type_for(type_oid, typmod). Strings point into
// `value` where they can; what has to be built goes to `arena`. Never reads past `value`.
// Fails with 22P03 (malformed), 22003 (does not fit: NaN in DECIMAL, a timestamp beyond the
// engine's range) or 0A000 (a multi-dimensional array); the column is then as it was before.
Result<> append_value(Column& column, std::uint32_t type_oid, Format format, Bytes value,
                      Arena& arena);

}  // namespace freshet::postgres
