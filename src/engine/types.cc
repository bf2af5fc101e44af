#include "engine/types.h"

#include <fmt/core.h>

#include <utility>

#include "duckdb.h"
#include "engine/appender.h"
#include "engine/enum_types.h"
#include "engine/numeric_value.h"
#include "engine/range_types.h"
#include "engine/sortable_types.h"

namespace freshet::engine {

namespace {

OwnedType plain(duckdb_type id) {
  return OwnedType(duckdb_create_logical_type(id));
}

OwnedType aliased(const char* alias) {
  OwnedType type = plain(DUCKDB_TYPE_VARCHAR);
  duckdb_logical_type_set_alias(type.get(), alias);
  return type;
}

LogicalKind kind_of(duckdb_type id) {
  switch (id) {
    case DUCKDB_TYPE_BOOLEAN: return LogicalKind::Bool;
    case DUCKDB_TYPE_TINYINT: return LogicalKind::Int8;
    case DUCKDB_TYPE_SMALLINT: return LogicalKind::Int16;
    case DUCKDB_TYPE_INTEGER: return LogicalKind::Int32;
    case DUCKDB_TYPE_BIGINT: return LogicalKind::Int64;
    case DUCKDB_TYPE_HUGEINT: return LogicalKind::Int128;
    case DUCKDB_TYPE_UTINYINT: return LogicalKind::UInt8;
    case DUCKDB_TYPE_USMALLINT: return LogicalKind::UInt16;
    case DUCKDB_TYPE_UINTEGER: return LogicalKind::UInt32;
    case DUCKDB_TYPE_UBIGINT: return LogicalKind::UInt64;
    case DUCKDB_TYPE_UHUGEINT: return LogicalKind::UInt128;
    case DUCKDB_TYPE_FLOAT: return LogicalKind::Float32;
    case DUCKDB_TYPE_DOUBLE: return LogicalKind::Float64;
    case DUCKDB_TYPE_DECIMAL: return LogicalKind::Decimal;
    case DUCKDB_TYPE_STRING_LITERAL:
    case DUCKDB_TYPE_VARCHAR: return LogicalKind::Text;
    case DUCKDB_TYPE_BLOB: return LogicalKind::Bytes;
    case DUCKDB_TYPE_DATE: return LogicalKind::Date;
    case DUCKDB_TYPE_TIME: return LogicalKind::Time;
    case DUCKDB_TYPE_TIME_TZ: return LogicalKind::TimeTz;
    case DUCKDB_TYPE_TIMESTAMP: return LogicalKind::Timestamp;
    case DUCKDB_TYPE_TIMESTAMP_S: return LogicalKind::TimestampS;
    case DUCKDB_TYPE_TIMESTAMP_MS: return LogicalKind::TimestampMs;
    case DUCKDB_TYPE_TIMESTAMP_NS: return LogicalKind::TimestampNs;
    case DUCKDB_TYPE_TIMESTAMP_TZ: return LogicalKind::TimestampTz;
    case DUCKDB_TYPE_INTERVAL: return LogicalKind::Interval;
    case DUCKDB_TYPE_UUID: return LogicalKind::Uuid;
    case DUCKDB_TYPE_BIT: return LogicalKind::Bit;
    case DUCKDB_TYPE_BIGNUM: return LogicalKind::BigInt;
    case DUCKDB_TYPE_ENUM: return LogicalKind::Enum;
    case DUCKDB_TYPE_LIST: return LogicalKind::List;
    case DUCKDB_TYPE_ARRAY: return LogicalKind::Array;
    case DUCKDB_TYPE_STRUCT: return LogicalKind::Struct;
    case DUCKDB_TYPE_MAP: return LogicalKind::Map;
    case DUCKDB_TYPE_UNION: return LogicalKind::Union;
    case DUCKDB_TYPE_INVALID:
    case DUCKDB_TYPE_SQLNULL: return LogicalKind::Null;
    case DUCKDB_TYPE_ANY:
    case DUCKDB_TYPE_INTEGER_LITERAL:
    case DUCKDB_TYPE_TIME_NS: return LogicalKind::Other;
  }
  return LogicalKind::Other;
}

// A type that we add is more than what it is made of.
void name_kind(LogicalType& type) {
  if (type.alias == numeric_value_alias) type.kind = LogicalKind::Numeric;
  type.shown = sortable_called(type.alias);
  if (type.shown != Shown::AsStored) type.kind = LogicalKind::Sortable;
  // To clients it stays the same type when it gets another label.
  if (type.shown == Shown::Enum) type.alias = "ENUM";
}

void name_struct(LogicalType& type) {
  type.shown = range_shown(type);
  if (type.shown == Shown::AsStored) return;
  type.kind = type.children.size() == 1 ? LogicalKind::Multirange : LogicalKind::Range;
}

void add_child(LogicalType& parent, duckdb_logical_type child) {
  const OwnedType owned(child);
  parent.children.push_back(logical_type(owned.get()));
}

void add_children(LogicalType& result, duckdb_logical_type type) {
  switch (result.kind) {
    case LogicalKind::List: return add_child(result, duckdb_list_type_child_type(type));
    case LogicalKind::Array: return add_child(result, duckdb_array_type_child_type(type));
    case LogicalKind::Map:
      add_child(result, duckdb_map_type_key_type(type));
      return add_child(result, duckdb_map_type_value_type(type));
    case LogicalKind::Struct:
      for (idx_t i = 0; i < duckdb_struct_type_child_count(type); ++i) {
        add_child(result, duckdb_struct_type_child_type(type, i));
        result.field_names.emplace_back(OwnedText(duckdb_struct_type_child_name(type, i)).get());
      }
      return name_struct(result);
    case LogicalKind::Union:
      for (idx_t i = 0; i < duckdb_union_type_member_count(type); ++i) {
        add_child(result, duckdb_union_type_member_type(type, i));
        result.field_names.emplace_back(OwnedText(duckdb_union_type_member_name(type, i)).get());
      }
      return;
    default: return;
  }
}

// The value stays as it is, only its type changes: all of them are text below.
bool pass_through(duckdb_function_info /*info*/, idx_t /*count*/, duckdb_vector input,
                  duckdb_vector output) {
  duckdb_vector_reference_vector(output, input);
  return true;
}

}  // namespace

void Free::operator()(duckdb_logical_type type) const {
  duckdb_destroy_logical_type(&type);
}

OwnedType owned_type(Type type) {
  switch (type.kind) {
    case TypeKind::Bool: return plain(DUCKDB_TYPE_BOOLEAN);
    case TypeKind::Int16: return plain(DUCKDB_TYPE_SMALLINT);
    case TypeKind::Int32: return plain(DUCKDB_TYPE_INTEGER);
    case TypeKind::Int64: return plain(DUCKDB_TYPE_BIGINT);
    case TypeKind::Float32: return plain(DUCKDB_TYPE_FLOAT);
    case TypeKind::Float64: return plain(DUCKDB_TYPE_DOUBLE);
    case TypeKind::Decimal:
      return OwnedType(duckdb_create_decimal_type(type.precision, type.scale));
    case TypeKind::Numeric: return aliased(numeric_alias);
    case TypeKind::Text: return plain(DUCKDB_TYPE_VARCHAR);
    case TypeKind::Uuid: return plain(DUCKDB_TYPE_UUID);
    case TypeKind::Json: return aliased("JSON");
    case TypeKind::Jsonb: return aliased(jsonb_alias);
    case TypeKind::Date: return plain(DUCKDB_TYPE_DATE);
    case TypeKind::Time: return plain(DUCKDB_TYPE_TIME);
    case TypeKind::Timestamp: return plain(DUCKDB_TYPE_TIMESTAMP);
    case TypeKind::TimestampTz: return plain(DUCKDB_TYPE_TIMESTAMP_TZ);
    case TypeKind::Interval: return plain(DUCKDB_TYPE_INTERVAL);
    case TypeKind::Bytes: return plain(DUCKDB_TYPE_BLOB);
    case TypeKind::List: {
      const OwnedType element = owned_type(element_type(type));
      return OwnedType(duckdb_create_list_type(element.get()));
    }
  }
  return nullptr;
}

LogicalType logical_type(duckdb_logical_type type) {
  LogicalType result;
  result.kind = kind_of(duckdb_get_type_id(type));
  if (const OwnedText alias(duckdb_logical_type_get_alias(type)); alias) result.alias = alias.get();
  if (!result.alias.empty()) name_kind(result);
  if (result.kind == LogicalKind::Decimal) {
    result.precision = duckdb_decimal_width(type);
    result.scale = duckdb_decimal_scale(type);
  }
  add_children(result, type);
  return result;
}

Result<> register_cast(duckdb_connection connection, const OwnedType& from, const OwnedType& to,
                       std::optional<std::int64_t> implicit_cost, CastRows cast_rows,
                       const void* extra) {
  duckdb_cast_function cast = duckdb_create_cast_function();
  duckdb_cast_function_set_source_type(cast, from.get());
  duckdb_cast_function_set_target_type(cast, to.get());
  duckdb_cast_function_set_implicit_cast_cost(cast, implicit_cost.value_or(-1));
  duckdb_cast_function_set_function(cast, cast_rows);
  if (extra != nullptr) {
    // Only ever read; the engine has no other type for it.
    duckdb_cast_function_set_extra_info(cast, const_cast<void*>(extra), nullptr);
  }
  const bool registered = duckdb_register_cast_function(connection, cast) == DuckDBSuccess;
  duckdb_destroy_cast_function(&cast);
  if (!registered) return Error{.message = "register cast: the engine refused it"};
  return {};
}

OwnedType bytes_called(const char* alias) {
  OwnedType type = plain(DUCKDB_TYPE_BLOB);
  duckdb_logical_type_set_alias(type.get(), alias);
  return type;
}

Result<> register_type(duckdb_connection connection, const OwnedType& type) {
  if (duckdb_register_logical_type(connection, type.get(), nullptr) == DuckDBSuccess) return {};
  return Error{.message = "register type: the engine refused it"};
}

Result<> register_types(duckdb_connection connection) {
  const OwnedType text = plain(DUCKDB_TYPE_VARCHAR);
  const OwnedType json = aliased("JSON");
  const OwnedType numeric = aliased(numeric_alias);
  const OwnedType jsonb = aliased(jsonb_alias);
  for (const OwnedType* type : {&numeric, &jsonb}) TRY(register_type(connection, *type));
  TRY(register_cast(connection, numeric, text, 1, pass_through));
  TRY(register_cast(connection, jsonb, json, 1, pass_through));
  TRY(register_cast(connection, jsonb, text, 20, pass_through));
  return {};
}

std::string sql_name(Type type) {
  switch (type.kind) {
    case TypeKind::Bool: return "BOOLEAN";
    case TypeKind::Int16: return "SMALLINT";
    case TypeKind::Int32: return "INTEGER";
    case TypeKind::Int64: return "BIGINT";
    case TypeKind::Float32: return "FLOAT";
    case TypeKind::Float64: return "DOUBLE";
    case TypeKind::Decimal: return fmt::format("DECIMAL({},{})", type.precision, type.scale);
    case TypeKind::Numeric: return numeric_alias;
    case TypeKind::Text: return "VARCHAR";
    case TypeKind::Uuid: return "UUID";
    case TypeKind::Json: return "JSON";
    case TypeKind::Jsonb: return jsonb_alias;
    case TypeKind::Date: return "DATE";
    case TypeKind::Time: return "TIME";
    case TypeKind::Timestamp: return "TIMESTAMP";
    case TypeKind::TimestampTz: return "TIMESTAMP WITH TIME ZONE";
    case TypeKind::Interval: return "INTERVAL";
    case TypeKind::Bytes: return "BLOB";
    case TypeKind::List: return sql_name(element_type(type)) + "[]";
  }
  return {};
}

}  // namespace freshet::engine
