#include "engine/range_types.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <string>

#include "duckdb.h"
#include "engine/appender.h"
#include "engine/cast_rows.h"
#include "engine/handles.h"
#include "engine/numeric_value.h"
#include "engine/range_value.h"
#include "engine/types.h"
#include "model/date_time.h"
#include "model/date_time_text.h"
#include "model/exact_numeric.h"
#include "model/parts_text.h"

namespace freshet::engine {

namespace {

constexpr const char* ranges_field = "ranges";

OwnedType multirange_type(const RangeType& range) {
  const OwnedType ranges(duckdb_create_list_type(struct_type(range).get()));
  duckdb_logical_type type = ranges.get();
  const char* name = ranges_field;
  return OwnedType(duckdb_create_struct_type(&type, &name, 1));
}

template <typename T>
std::optional<Bound> integer_bound(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return Bound{.number = value};
}

std::optional<Bound> moment_bound(std::string_view text, bool with_zone) {
  const auto moment = timestamp_from_text(text, with_zone);
  if (moment.fault != ValueFault::None) return std::nullopt;
  return Bound{.number = moment.value};
}

std::optional<Bound> bound_of(TypeKind kind, std::string_view text) {
  Bound bound;
  switch (kind) {
    case TypeKind::Int32: return integer_bound<std::int32_t>(text);
    case TypeKind::Int64: return integer_bound<std::int64_t>(text);
    case TypeKind::Numeric:
      if (!append_exact(bound.form, text)) return std::nullopt;
      return bound;
    case TypeKind::Date: {
      const auto date = date_from_text(text);
      if (date.fault != ValueFault::None) return std::nullopt;
      return Bound{.number = date.value};
    }
    default: return moment_bound(text, kind == TypeKind::TimestampTz);
  }
}

// Ranges of what has a next value begin with their lower bound and end before their upper one.
bool is_discrete(TypeKind kind) {
  return kind == TypeKind::Int32 || kind == TypeKind::Int64 || kind == TypeKind::Date;
}

std::int64_t largest(TypeKind kind) {
  return kind == TypeKind::Int64 ? std::numeric_limits<std::int64_t>::max()
                                 : std::numeric_limits<std::int32_t>::max();
}

// False when the next value is beyond the type. An infinite date has none, and stays.
bool step(std::optional<Bound>& bound, TypeKind kind) {
  const bool infinite =
      kind == TypeKind::Date && (bound->number == largest(kind) || bound->number == -largest(kind));
  if (infinite) return true;
  if (bound->number == largest(kind)) return false;
  ++bound->number;
  return true;
}

// What is wrong with it, or nothing.
std::string make_canonical(Range& range, TypeKind kind) {
  if (is_discrete(kind)) {
    if (range.lower && !range.lower_inc && !step(range.lower, kind)) return "range is out of range";
    if (range.upper && range.upper_inc && !step(range.upper, kind)) return "range is out of range";
    const auto infinite = [&](const std::optional<Bound>& bound) {
      return kind == TypeKind::Date && bound &&
             (bound->number == largest(kind) || bound->number == -largest(kind));
    };
    if (range.lower && !infinite(range.lower)) range.lower_inc = true;
    if (range.upper && !infinite(range.upper)) range.upper_inc = false;
  }
  if (!range.lower || !range.upper) return {};
  if (*range.lower > *range.upper) {
    return "range lower bound must be less than or equal to range upper bound";
  }
  if (*range.lower == *range.upper && !(range.lower_inc && range.upper_inc))
    range = {.empty = true};
  return {};
}

std::string read(const RangeText& text, TypeKind kind, Range& range) {
  range = {.lower_inc = text.lower_inc, .upper_inc = text.upper_inc, .empty = text.empty};
  const auto bound = [&](const std::optional<std::string>& from, std::optional<Bound>& to) {
    if (from) to = bound_of(kind, *from);
    return !from || to;
  };
  if (!bound(text.lower, range.lower) || !bound(text.upper, range.upper)) {
    return "a bound of the range is malformed or out of range";
  }
  // Both bounds are as they were given when one is beyond the other.
  if (range.lower && range.upper && *range.lower > *range.upper) {
    return "range lower bound must be less than or equal to range upper bound";
  }
  return make_canonical(range, kind);
}

std::string bound_text(const Bound& bound, TypeKind kind) {
  std::string text;
  switch (kind) {
    case TypeKind::Int32:
    case TypeKind::Int64: return std::to_string(bound.number);
    case TypeKind::Numeric: return exact_text(bound.form);
    case TypeKind::Date: append_date(text, static_cast<std::int32_t>(bound.number)); return text;
    case TypeKind::TimestampTz: append_timestamp(text, bound.number, 0); return text;
    default: append_timestamp(text, bound.number); return text;
  }
}

void append_text(std::string& out, const Range& range, TypeKind kind) {
  RangeText text{.empty = range.empty, .lower_inc = range.lower_inc, .upper_inc = range.upper_inc};
  if (range.lower) text.lower = bound_text(*range.lower, kind);
  if (range.upper) text.upper = bound_text(*range.upper, kind);
  append_range(out, text);
}

const RangeType& range_of(duckdb_function_info info) {
  return *static_cast<const RangeType*>(duckdb_cast_function_get_extra_info(info));
}

void set_entry(duckdb_vector list, idx_t row, duckdb_list_entry entry) {
  static_cast<duckdb_list_entry*>(duckdb_vector_get_data(list))[row] = entry;
}

// The engine reads the fields of a struct that is null, too.
void clear_fields(duckdb_vector input, idx_t count, duckdb_vector output, idx_t field_count) {
  for (idx_t row = 0; row < count; ++row) {
    if (!is_null(input, row)) continue;
    for (idx_t at = 0; at < field_count; ++at) {
      set_null(duckdb_struct_vector_get_child(output, at), row);
    }
  }
}

bool from_text(duckdb_function_info info, idx_t count, duckdb_vector input, duckdb_vector output) {
  const RangeType& type = range_of(info);
  clear_fields(input, count, output, range_fields);
  Range range;
  return for_each_row(info, count, input, output, [&](idx_t row) -> std::string {
    const auto text = parse_range(text_of(input, row));
    std::string problem = text ? read(*text, type.bound, range) : "malformed range literal";
    if (!problem.empty()) {
      range = {};
      problem += fmt::format(": \"{}\"", text_of(input, row));
    }
    store_range(output, row, type.bound, range);
    return problem;
  });
}

bool to_text(duckdb_function_info info, idx_t count, duckdb_vector input, duckdb_vector output) {
  const RangeType& type = range_of(info);
  return for_each_row(info, count, input, output, [&](idx_t row) -> std::string {
    std::string text;
    append_text(text, load_range(input, row, type.bound), type.bound);
    set_text(output, row, text);
    return {};
  });
}

bool multirange_from_text(duckdb_function_info info, idx_t count, duckdb_vector input,
                          duckdb_vector output) {
  const RangeType& type = range_of(info);
  clear_fields(input, count, output, 1);
  return for_each_row(info, count, input, output, [&](idx_t row) -> std::string {
    const auto texts = parse_multirange(text_of(input, row));
    duckdb_vector list = duckdb_struct_vector_get_child(output, 0);
    const idx_t begin = duckdb_list_vector_get_size(list);
    set_entry(list, row, {begin, 0});
    if (!texts) return fmt::format("malformed multirange literal: \"{}\"", text_of(input, row));
    duckdb_list_vector_reserve(list, begin + texts->size());
    duckdb_vector ranges = duckdb_list_vector_get_child(list);
    Range range;
    for (idx_t i = 0; i < texts->size(); ++i) {
      std::string problem = read(texts->at(i), type.bound, range);
      if (!problem.empty()) return problem;
      store_range(ranges, begin + i, type.bound, range);
    }
    duckdb_list_vector_set_size(list, begin + texts->size());
    set_entry(list, row, {begin, texts->size()});
    return {};
  });
}

bool multirange_to_text(duckdb_function_info info, idx_t count, duckdb_vector input,
                        duckdb_vector output) {
  const RangeType& type = range_of(info);
  duckdb_vector list = duckdb_struct_vector_get_child(input, 0);
  duckdb_vector ranges = duckdb_list_vector_get_child(list);
  return for_each_row(info, count, input, output, [&](idx_t row) -> std::string {
    const auto entry = static_cast<duckdb_list_entry*>(duckdb_vector_get_data(list))[row];
    std::string text = "{";
    for (idx_t i = 0; i < entry.length; ++i) {
      if (i > 0) text += ",";
      append_text(text, load_range(ranges, entry.offset + i, type.bound), type.bound);
    }
    set_text(output, row, text + "}");
    return {};
  });
}

}  // namespace

std::string range_type(Shown shown) {
  for (const RangeType& type : range_types) {
    if (type.shown != shown && type.multirange != shown) continue;
    const std::string bound =
        type.bound == TypeKind::Numeric ? numeric_value_alias : sql_name({type.bound});
    const std::string range = fmt::format(
        R"(STRUCT("lower" {0}, "upper" {0}, lower_inc BOOLEAN, upper_inc BOOLEAN, "empty" BOOLEAN))",
        bound);
    return type.shown == shown ? range : fmt::format("STRUCT({} {}[])", ranges_field, range);
  }
  return {};
}

std::string range_type_named(std::string_view name) {
  for (const RangeType& type : range_types) {
    if (name == type.name) return range_type(type.shown);
    if (name == type.multirange_name) return range_type(type.multirange);
  }
  return {};
}

Shown range_shown(const LogicalType& type) {
  if (type.field_names.size() == 1 && type.field_names[0] == ranges_field) {
    const LogicalType& list = type.children[0];
    if (list.kind != LogicalKind::List || list.children[0].kind != LogicalKind::Range) {
      return Shown::AsStored;
    }
    const auto* const range =
        std::ranges::find(range_types, list.children[0].shown, &RangeType::shown);
    return range->multirange;
  }
  const bool fits =
      std::ranges::equal(type.field_names, range_field_names) &&
      type.children[lower] == type.children[upper] &&
      std::all_of(type.children.begin() + lower_inc, type.children.end(),
                  [](const LogicalType& flag) { return flag.kind == LogicalKind::Bool; });
  if (!fits) return Shown::AsStored;
  const auto* const range =
      std::ranges::find(range_types, type.children[lower].kind, &RangeType::bound_kind);
  return range == range_types.end() ? Shown::AsStored : range->shown;
}

Result<> register_range_types(duckdb_connection connection) {
  const OwnedType text(duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR));
  for (const RangeType& type : range_types) {
    const OwnedType range = struct_type(type);
    const OwnedType multirange = multirange_type(type);
    TRY(register_cast(connection, text, range, std::nullopt, from_text, &type));
    TRY(register_cast(connection, range, text, as_text_cost, to_text, &type));
    TRY(register_cast(connection, text, multirange, std::nullopt, multirange_from_text, &type));
    TRY(register_cast(connection, multirange, text, as_text_cost, multirange_to_text, &type));
  }
  return {};
}

}  // namespace freshet::engine
