#include "engine/numeric_value.h"

#include <fmt/core.h>

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <string>

#include "duckdb.h"
#include "engine/cast_rows.h"
#include "engine/handles.h"
#include "engine/types.h"
#include "model/exact_numeric.h"

namespace freshet::engine {

namespace {

struct DecimalShape {
  std::uint8_t width;
  std::uint8_t scale;
};

// Every DECIMAL(w, s) there is, for as long as the program runs: casts point to theirs.
constexpr auto decimal_shapes = [] {
  std::array<DecimalShape, 38 * 41 / 2> shapes{};
  std::size_t at = 0;
  for (std::uint8_t width = 1; width <= exact_digits_max; ++width) {
    for (std::uint8_t scale = 0; scale <= width; ++scale) shapes.at(at++) = {width, scale};
  }
  return shapes;
}();

bool from_text(duckdb_function_info info, idx_t count, duckdb_vector input, duckdb_vector output) {
  std::string form;
  return for_each_row(info, count, input, output, [&](idx_t row) -> std::string {
    const std::string_view text = text_of(input, row);
    form.clear();
    if (!append_exact(form, text)) {
      return fmt::format("invalid input syntax for type numeric: \"{}\"", text);
    }
    set_text(output, row, form);
    return {};
  });
}

bool to_text(duckdb_function_info info, idx_t count, duckdb_vector input, duckdb_vector output) {
  return for_each_row(info, count, input, output, [&](idx_t row) -> std::string {
    set_text(output, row, exact_text(text_of(input, row)));
    return {};
  });
}

template <typename T>
bool from_integer(duckdb_function_info info, idx_t count, duckdb_vector input,
                  duckdb_vector output) {
  std::string form;
  return for_each_row(info, count, input, output, [&](idx_t row) -> std::string {
    form.clear();
    append_exact(form, Exact{static_cast<Wide>(stored<T>(input, row)), 0});
    set_text(output, row, form);
    return {};
  });
}

std::string out_of_range(std::string_view form, std::string_view type) {
  return fmt::format("{} is out of range for {}", exact_text(form), type);
}

template <typename T>
bool to_integer(duckdb_function_info info, idx_t count, duckdb_vector input, duckdb_vector output) {
  return for_each_row(info, count, input, output, [&](idx_t row) -> std::string {
    const auto number = to_exact(text_of(input, row));
    const auto whole = number ? with_scale(*number, 0) : std::nullopt;
    const bool fits =
        whole && (sizeof(T) == sizeof(Wide) ||
                  (whole->digits >= static_cast<Wide>(std::numeric_limits<T>::min()) &&
                   whole->digits <= static_cast<Wide>(std::numeric_limits<T>::max())));
    if (!fits) return out_of_range(text_of(input, row), "this integer type");
    store<T>(output, row, static_cast<T>(whole->digits));
    return {};
  });
}

template <typename Take>
void by_width(std::uint8_t width, Take take) {
  if (width <= 4) {
    take(std::int16_t{});
  } else if (width <= 9) {
    take(std::int32_t{});
  } else if (width <= 18) {
    take(std::int64_t{});
  } else {
    take(Wide{});
  }
}

bool from_decimal(duckdb_function_info info, idx_t count, duckdb_vector input,
                  duckdb_vector output) {
  const auto& shape = *static_cast<const DecimalShape*>(duckdb_cast_function_get_extra_info(info));
  std::string form;
  return for_each_row(info, count, input, output, [&](idx_t row) -> std::string {
    Exact number{.digits = 0, .scale = shape.scale};
    by_width(shape.width,
             [&]<typename T>(T) { number.digits = static_cast<Wide>(stored<T>(input, row)); });
    form.clear();
    append_exact(form, number);
    set_text(output, row, form);
    return {};
  });
}

bool to_decimal(duckdb_function_info info, idx_t count, duckdb_vector input, duckdb_vector output) {
  const auto& shape = *static_cast<const DecimalShape*>(duckdb_cast_function_get_extra_info(info));
  Wide limit = 1;
  for (int i = 0; i < shape.width; ++i) limit *= 10;
  return for_each_row(info, count, input, output, [&](idx_t row) -> std::string {
    const auto number = to_exact(text_of(input, row));
    const auto scaled = number ? with_scale(*number, shape.scale) : std::nullopt;
    if (!scaled || scaled->digits >= limit || scaled->digits <= -limit) {
      return out_of_range(text_of(input, row),
                          fmt::format("DECIMAL({},{})", shape.width, shape.scale));
    }
    by_width(shape.width,
             [&]<typename T>(T) { store<T>(output, row, static_cast<T>(scaled->digits)); });
    return {};
  });
}

template <typename T>
bool to_floating(duckdb_function_info info, idx_t count, duckdb_vector input,
                 duckdb_vector output) {
  return for_each_row(info, count, input, output, [&](idx_t row) -> std::string {
    const std::string text = exact_text(text_of(input, row));
    T value{};
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc()) return out_of_range(text_of(input, row), "floating point");
    store<T>(output, row, value);
    return {};
  });
}

// The shortest text that means this number: 0.1, and not what is nearest to it in binary.
template <typename T>
bool from_floating(duckdb_function_info info, idx_t count, duckdb_vector input,
                   duckdb_vector output) {
  std::string form;
  return for_each_row(info, count, input, output, [&](idx_t row) -> std::string {
    const T value = stored<T>(input, row);
    const std::string text = std::isnan(value) ? "NaN" : fmt::format("{}", value);
    form.clear();
    append_exact(form, text);
    set_text(output, row, form);
    return {};
  });
}

// How much dearer than any cast of the engine's own: what it can do without this type, it does.
constexpr std::int64_t last_resort = 10'000;

class Casts {
 public:
  explicit Casts(duckdb_connection connection) : connection_(connection) {}

  Result<> type() { return register_type(connection_, numeric_); }
  Result<> from(const OwnedType& type, std::optional<std::int64_t> cost, CastRows rows,
                const void* extra = nullptr) {
    return register_cast(connection_, type, numeric_, cost, rows, extra);
  }
  Result<> from(duckdb_type id, std::optional<std::int64_t> cost, CastRows rows) {
    return from(OwnedType(duckdb_create_logical_type(id)), cost, rows);
  }
  Result<> to(const OwnedType& type, std::optional<std::int64_t> cost, CastRows rows,
              const void* extra = nullptr) {
    return register_cast(connection_, numeric_, type, cost, rows, extra);
  }
  Result<> to(duckdb_type id, std::optional<std::int64_t> cost, CastRows rows) {
    return to(OwnedType(duckdb_create_logical_type(id)), cost, rows);
  }
  template <typename T>
  Result<> integer(duckdb_type id) {
    TRY(from(id, last_resort, from_integer<T>));
    return to(id, std::nullopt, to_integer<T>);
  }
  Result<> decimals() {
    for (const DecimalShape& shape : decimal_shapes) {
      const OwnedType type(duckdb_create_decimal_type(shape.width, shape.scale));
      TRY(from(type, last_resort, from_decimal, &shape));
      TRY(to(type, std::nullopt, to_decimal, &shape));
    }
    return {};
  }

 private:
  duckdb_connection connection_;
  OwnedType numeric_ = numeric_value_type();
};

}  // namespace

OwnedType numeric_value_type() {
  return bytes_called(numeric_value_alias);
}

Result<> register_numeric_value(duckdb_connection connection) {
  Casts casts(connection);
  TRY(casts.type());
  TRY(casts.from(DUCKDB_TYPE_VARCHAR, std::nullopt, from_text));
  const OwnedType as_stored = owned_type({TypeKind::Numeric});
  TRY(casts.from(as_stored, last_resort, from_text));
  TRY(casts.to(as_stored, std::nullopt, to_text));
  TRY(casts.to(DUCKDB_TYPE_VARCHAR, as_text_cost, to_text));
  TRY(casts.integer<std::int8_t>(DUCKDB_TYPE_TINYINT));
  TRY(casts.integer<std::int16_t>(DUCKDB_TYPE_SMALLINT));
  TRY(casts.integer<std::int32_t>(DUCKDB_TYPE_INTEGER));
  TRY(casts.integer<std::int64_t>(DUCKDB_TYPE_BIGINT));
  TRY(casts.integer<Wide>(DUCKDB_TYPE_HUGEINT));
  TRY(casts.integer<std::uint8_t>(DUCKDB_TYPE_UTINYINT));
  TRY(casts.integer<std::uint16_t>(DUCKDB_TYPE_USMALLINT));
  TRY(casts.integer<std::uint32_t>(DUCKDB_TYPE_UINTEGER));
  TRY(casts.integer<std::uint64_t>(DUCKDB_TYPE_UBIGINT));
  TRY(casts.decimals());
  TRY(casts.to(DUCKDB_TYPE_DOUBLE, std::nullopt, to_floating<double>));
  TRY(casts.to(DUCKDB_TYPE_FLOAT, std::nullopt, to_floating<float>));
  TRY(casts.from(DUCKDB_TYPE_DOUBLE, last_resort, from_floating<double>));
  return casts.from(DUCKDB_TYPE_FLOAT, last_resort, from_floating<float>);
}

}  // namespace freshet::engine
