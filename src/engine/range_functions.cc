#include "engine/range_functions.h"

#include "duckdb.h"
#include "engine/range_value.h"
#include "engine/scalar_function.h"
#include "engine/text_vectors.h"
#include "engine/types.h"

namespace freshet::engine {

namespace {

const RangeType& range_of(duckdb_function_info info) {
  return *static_cast<const RangeType*>(duckdb_scalar_function_get_extra_info(info));
}

void set_bool(duckdb_vector vector, idx_t row, bool value) {
  static_cast<bool*>(duckdb_vector_get_data(vector))[row] = value;
}

// ---------------------------------------------------------------------------------- of one range

template <std::optional<Bound> Range::*bound>
void bound_of(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
  const TypeKind kind = range_of(info).bound;
  duckdb_vector ranges = duckdb_data_chunk_get_vector(input, 0);
  each_present(ranges, duckdb_data_chunk_get_size(input), output, [&](idx_t row) {
    store_bound(output, row, kind, load_range(ranges, row, kind).*bound);
    return true;
  });
}

bool is_empty(const Range& range) {
  return range.empty;
}
bool has_lower(const Range& range) {
  return range.lower_inc;
}
bool has_upper(const Range& range) {
  return range.upper_inc;
}
bool has_no_lower(const Range& range) {
  return !range.empty && !range.lower;
}
bool has_no_upper(const Range& range) {
  return !range.empty && !range.upper;
}

template <bool (*is)(const Range&)>
void flag_of(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
  const TypeKind kind = range_of(info).bound;
  duckdb_vector ranges = duckdb_data_chunk_get_vector(input, 0);
  each_present(ranges, duckdb_data_chunk_get_size(input), output, [&](idx_t row) {
    set_bool(output, row, is(load_range(ranges, row, kind)));
    return true;
  });
}

// ------------------------------------------------------------------------------------ of two

bool contains_value(const Range& range, const Bound& value) {
  if (range.empty) return false;
  const bool above =
      !range.lower || *range.lower < value || (*range.lower == value && range.lower_inc);
  const bool below =
      !range.upper || value < *range.upper || (*range.upper == value && range.upper_inc);
  return above && below;
}

bool contains(const Range& outer, const Range& inner) {
  if (inner.empty) return true;
  if (outer.empty) return false;
  const bool below =
      !outer.lower ||
      (inner.lower && (*outer.lower < *inner.lower ||
                       (*outer.lower == *inner.lower && (outer.lower_inc || !inner.lower_inc))));
  const bool above =
      !outer.upper ||
      (inner.upper && (*inner.upper < *outer.upper ||
                       (*inner.upper == *outer.upper && (outer.upper_inc || !inner.upper_inc))));
  return below && above;
}

// Whether one begins before the other ends.
bool begins_before_end(const Range& one, const Range& other) {
  if (!one.lower || !other.upper) return true;
  return *one.lower < *other.upper ||
         (*one.lower == *other.upper && one.lower_inc && other.upper_inc);
}

bool overlap(const Range& one, const Range& other) {
  return !one.empty && !other.empty && begins_before_end(one, other) &&
         begins_before_end(other, one);
}

bool is_contained(const Range& inner, const Range& outer) {
  return contains(outer, inner);
}

// Of a range, or of a value and a range, as `first` says.
enum class First { Range, Value };

template <typename Answer>
void each_pair(duckdb_data_chunk input, duckdb_vector output, Answer answer) {
  duckdb_vector one = duckdb_data_chunk_get_vector(input, 0);
  duckdb_vector other = duckdb_data_chunk_get_vector(input, 1);
  const idx_t rows = duckdb_data_chunk_get_size(input);
  for (idx_t row = 0; row < rows; ++row) {
    if (is_null(one, row) || is_null(other, row)) {
      set_null(output, row);
    } else {
      set_bool(output, row, answer(one, other, row));
    }
  }
}

template <bool (*holds)(const Range&, const Range&)>
void of_ranges(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
  const TypeKind kind = range_of(info).bound;
  each_pair(input, output, [&](duckdb_vector one, duckdb_vector other, idx_t row) {
    return holds(load_range(one, row, kind), load_range(other, row, kind));
  });
}

template <First first>
void of_value(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
  const TypeKind kind = range_of(info).bound;
  each_pair(input, output, [&](duckdb_vector one, duckdb_vector other, idx_t row) {
    duckdb_vector ranges = first == First::Range ? one : other;
    duckdb_vector values = first == First::Range ? other : one;
    return contains_value(load_range(ranges, row, kind), *load_bound(values, row, kind));
  });
}

// ----------------------------------------------------------------------------------- registration

Result<> register_functions_of(duckdb_connection connection, const RangeType& type) {
  const OwnedType range = struct_type(type);
  const OwnedType bound = bound_type(type.bound);
  const OwnedType flag = owned_type({TypeKind::Bool});
  using Parameters = std::initializer_list<const OwnedType*>;
  const auto add = [&](const char* name, Parameters parameters, const OwnedType& made,
                       RunScalar run) {
    return register_scalar(connection, name, parameters, made, run, &type);
  };
  TRY(add("lower", {&range}, bound, bound_of<&Range::lower>));
  TRY(add("upper", {&range}, bound, bound_of<&Range::upper>));
  TRY(add("isempty", {&range}, flag, flag_of<is_empty>));
  TRY(add("lower_inc", {&range}, flag, flag_of<has_lower>));
  TRY(add("upper_inc", {&range}, flag, flag_of<has_upper>));
  TRY(add("lower_inf", {&range}, flag, flag_of<has_no_lower>));
  TRY(add("upper_inf", {&range}, flag, flag_of<has_no_upper>));
  TRY(add("@>", {&range, &range}, flag, of_ranges<contains>));
  TRY(add("<@", {&range, &range}, flag, of_ranges<is_contained>));
  TRY(add("&&", {&range, &range}, flag, of_ranges<overlap>));
  TRY(add("@>", {&range, &bound}, flag, of_value<First::Range>));
  return add("<@", {&bound, &range}, flag, of_value<First::Value>);
}

}  // namespace

Result<> register_range_functions(duckdb_connection connection) {
  for (const RangeType& type : range_types) TRY(register_functions_of(connection, type));
  return {};
}

}  // namespace freshet::engine
