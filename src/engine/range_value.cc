#include "engine/range_value.h"

#include "duckdb.h"
#include "engine/numeric_value.h"
#include "engine/text_vectors.h"
#include "engine/types.h"

namespace freshet::engine {

namespace {

duckdb_vector field(duckdb_vector vector, RangeField at) {
  return duckdb_struct_vector_get_child(vector, at);
}

}  // namespace

OwnedType bound_type(TypeKind kind) {
  return kind == TypeKind::Numeric ? numeric_value_type() : owned_type({kind});
}

OwnedType struct_type(const RangeType& range) {
  const OwnedType bound = bound_type(range.bound);
  const OwnedType flag = owned_type({TypeKind::Bool});
  std::array<duckdb_logical_type, range_fields> types{bound.get(), bound.get(), flag.get(),
                                                      flag.get(), flag.get()};
  std::array<const char*, range_fields> names = range_field_names;
  return OwnedType(duckdb_create_struct_type(types.data(), names.data(), range_fields));
}

std::optional<Bound> load_bound(duckdb_vector vector, idx_t row, TypeKind kind) {
  if (is_null(vector, row)) return std::nullopt;
  switch (kind) {
    case TypeKind::Numeric: return Bound{.form = std::string(text_of(vector, row))};
    case TypeKind::Int32:
    case TypeKind::Date: return Bound{.number = stored<std::int32_t>(vector, row)};
    default: return Bound{.number = stored<std::int64_t>(vector, row)};
  }
}

void store_bound(duckdb_vector vector, idx_t row, TypeKind kind,
                 const std::optional<Bound>& bound) {
  if (!bound) return set_null(vector, row);
  switch (kind) {
    case TypeKind::Numeric: return set_text(vector, row, bound->form);
    case TypeKind::Int32:
    case TypeKind::Date: return store(vector, row, static_cast<std::int32_t>(bound->number));
    default: return store(vector, row, bound->number);
  }
}

Range load_range(duckdb_vector vector, idx_t row, TypeKind kind) {
  return {.lower = load_bound(field(vector, lower), row, kind),
          .upper = load_bound(field(vector, upper), row, kind),
          .lower_inc = stored<bool>(field(vector, lower_inc), row),
          .upper_inc = stored<bool>(field(vector, upper_inc), row),
          .empty = stored<bool>(field(vector, empty), row)};
}

void store_range(duckdb_vector vector, idx_t row, TypeKind kind, const Range& range) {
  store_bound(field(vector, lower), row, kind, range.lower);
  store_bound(field(vector, upper), row, kind, range.upper);
  store(field(vector, lower_inc), row, range.lower_inc);
  store(field(vector, upper_inc), row, range.upper_inc);
  store(field(vector, empty), row, range.empty);
}

}  // namespace freshet::engine
