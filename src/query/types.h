// PostgreSQL's names for the engine's types: oids, typmods, and how they are spelled.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "engine/statement.h"

namespace freshet::query {

namespace oid {
inline constexpr std::uint32_t boolean = 16, bytea = 17, name = 19, int8 = 20, int2 = 21, int4 = 23,
                               text = 25, oid = 26, json = 114, float4 = 700, float8 = 701,
                               bpchar = 1042, varchar = 1043, date = 1082, time = 1083,
                               timestamp = 1114, timestamptz = 1184, interval = 1186, timetz = 1266,
                               numeric = 1700, uuid = 2950, jsonb = 3802, unknown = 705;
}

// A built-in type of PostgreSQL.
struct PgType {
  std::uint32_t oid;
  std::uint32_t array_oid;
  std::string_view name;         // pg_type.typname
  std::string_view sql_name;     // as format_type writes it
  std::string_view engine_name;  // as a CAST of the engine takes it
  std::int16_t length;           // -1: variable
  char category;
};

std::span<const PgType> pg_types();
const PgType* find_type(std::uint32_t type_oid);
// The type whose array has this oid, or null.
const PgType* find_element(std::uint32_t array_oid);

// The oid a result column of this type is described with; types PostgreSQL lacks are text.
std::uint32_t type_oid(const engine::LogicalType& type);
std::int32_t type_modifier(const engine::LogicalType& type);  // -1: none
std::int16_t type_length(std::uint32_t type_oid);

// What to cast a parameter of this oid to; empty when we do not know the oid.
std::string engine_cast(std::uint32_t type_oid);

// "numeric(12,2)", "character varying(20)[]"; "text" for an oid we do not know.
std::string format_type(std::uint32_t type_oid, std::int32_t modifier);

// Numbers a numeric parameter keeps behind its point; more are refused, never rounded.
inline constexpr int parameter_scale = 10;

}  // namespace freshet::query
