#include "engine/numeric_text.h"

#include <fmt/core.h>

#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "duckdb.h"
#include "engine/handles.h"
#include "engine/text_vectors.h"
#include "engine/types.h"

namespace freshet::engine {

namespace {

// ISO C++ has no name for it.
__extension__ using Int128 = __int128;

// The whole number that `text` is, if it is one: "12", "-3.00". Nothing for NaN and infinities.
std::optional<Int128> whole_number(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  if (text.empty()) return std::nullopt;
  const std::size_t point = text.find('.');
  if (point != std::string_view::npos &&
      text.find_first_not_of('0', point + 1) != std::string_view::npos) {
    return std::nullopt;
  }
  constexpr std::size_t digits_max = 38;  // what surely fits
  text = text.substr(0, point);
  if (text.size() > digits_max) return std::nullopt;
  Int128 value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return negative ? -value : value;
}

template <typename T>
void store(duckdb_vector vector, idx_t row, Int128 value) {
  static_cast<T*>(duckdb_vector_get_data(vector))[row] = static_cast<T>(value);
}

template <typename T>
bool to_integer(duckdb_function_info info, idx_t count, duckdb_vector input, duckdb_vector output) {
  bool all = true;
  for (idx_t row = 0; row < count; ++row) {
    if (is_null(input, row)) {
      set_null(output, row);
      continue;
    }
    const std::string_view text = text_of(input, row);
    const std::optional<Int128> value = whole_number(text);
    const bool fits = value && (sizeof(T) == sizeof(Int128) ||
                                (*value >= static_cast<Int128>(std::numeric_limits<T>::min()) &&
                                 *value <= static_cast<Int128>(std::numeric_limits<T>::max())));
    if (fits) {
      store<T>(output, row, *value);
      continue;
    }
    all = false;
    const std::string reason = fmt::format(
        "{} is not a whole number of this size\nCast to DECIMAL or DOUBLE to compare or round",
        text);
    duckdb_cast_function_set_row_error(info, reason.c_str(), row, output);
  }
  return all;
}

}  // namespace

Result<> register_numeric_casts(duckdb_connection connection) {
  const OwnedType numeric = owned_type({TypeKind::Numeric});
  const OwnedType huge(duckdb_create_logical_type(DUCKDB_TYPE_HUGEINT));
  const auto refuse_rounding = [&](const OwnedType& to, CastRows cast_rows) {
    return register_cast(connection, numeric, to, std::nullopt, cast_rows);
  };
  TRY(refuse_rounding(owned_type({TypeKind::Int16}), to_integer<std::int16_t>));
  TRY(refuse_rounding(owned_type({TypeKind::Int32}), to_integer<std::int32_t>));
  TRY(refuse_rounding(owned_type({TypeKind::Int64}), to_integer<std::int64_t>));
  TRY(refuse_rounding(huge, to_integer<Int128>));
  return {};
}

}  // namespace freshet::engine
