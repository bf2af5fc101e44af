// Inside engine/range_*.cc only: the kinds of ranges, and a range while it is looked at.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include "engine/handles.h"
#include "engine/statement.h"
#include "model/type.h"

namespace freshet::engine {

struct RangeType {
  Shown shown;
  Shown multirange;
  const char* name;
  const char* multirange_name;
  TypeKind bound;
  LogicalKind bound_kind;
};

inline constexpr std::array<RangeType, 6> range_types{{
    {Shown::Int4Range, Shown::Int4Multirange, "int4range", "int4multirange", TypeKind::Int32,
     LogicalKind::Int32},
    {Shown::Int8Range, Shown::Int8Multirange, "int8range", "int8multirange", TypeKind::Int64,
     LogicalKind::Int64},
    {Shown::NumRange, Shown::NumMultirange, "numrange", "nummultirange", TypeKind::Numeric,
     LogicalKind::Numeric},
    {Shown::DateRange, Shown::DateMultirange, "daterange", "datemultirange", TypeKind::Date,
     LogicalKind::Date},
    {Shown::TsRange, Shown::TsMultirange, "tsrange", "tsmultirange", TypeKind::Timestamp,
     LogicalKind::Timestamp},
    {Shown::TstzRange, Shown::TstzMultirange, "tstzrange", "tstzmultirange", TypeKind::TimestampTz,
     LogicalKind::TimestampTz},
}};

// The fields of its struct, in their order.
enum RangeField : std::uint64_t { lower, upper, lower_inc, upper_inc, empty, range_fields };
inline constexpr std::array<const char*, range_fields> range_field_names{
    "lower", "upper", "lower_inc", "upper_inc", "empty"};

// A bound as it is stored and compared: a number, or the bytes of a numeric.
struct Bound {
  std::int64_t number = 0;
  std::string form{};
  friend auto operator<=>(const Bound&, const Bound&) = default;
};

struct Range {
  std::optional<Bound> lower{};  // nothing: infinite
  std::optional<Bound> upper{};
  bool lower_inc = false;
  bool upper_inc = false;
  bool empty = false;
};

OwnedType bound_type(TypeKind kind);
OwnedType struct_type(const RangeType& range);

// A bound in a vector of its own type; nothing where that is null.
std::optional<Bound> load_bound(_duckdb_vector* vector, std::uint64_t row, TypeKind kind);
void store_bound(_duckdb_vector* vector, std::uint64_t row, TypeKind kind,
                 const std::optional<Bound>& bound);
// A range in a vector of structs.
Range load_range(_duckdb_vector* vector, std::uint64_t row, TypeKind kind);
void store_range(_duckdb_vector* vector, std::uint64_t row, TypeKind kind, const Range& range);

}  // namespace freshet::engine
