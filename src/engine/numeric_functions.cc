// What can be computed with NUMERIC_VALUE: operators and functions of one row, and aggregates.
#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "duckdb.h"
#include "engine/handles.h"
#include "engine/numeric_value.h"
#include "engine/text_vectors.h"
#include "engine/types.h"
#include "model/exact_numeric.h"

namespace freshet::engine {

namespace {

constexpr const char* too_long = "numeric value out of range: more than 38 digits";
constexpr const char* by_zero = "division by zero";

void put(duckdb_vector output, idx_t row, Exact number) {
  std::string form;
  append_exact(form, number);
  set_text(output, row, form);
}

// An argument: one of these, or an integer.
enum class Given { Numeric, Integer };

std::optional<Exact> argument(duckdb_vector vector, idx_t row, Given given) {
  if (given == Given::Numeric) return to_exact(text_of(vector, row));
  const Wide value = static_cast<Wide*>(duckdb_vector_get_data(vector))[row];
  return Exact{value, 0};
}

// ------------------------------------------------------------------------------- of two arguments

using Binary = std::optional<Exact> (*)(Exact one, Exact other);

template <Binary compute, Given left, Given right, bool divides>
void binary(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
  duckdb_vector one = duckdb_data_chunk_get_vector(input, 0);
  duckdb_vector other = duckdb_data_chunk_get_vector(input, 1);
  const idx_t rows = duckdb_data_chunk_get_size(input);
  for (idx_t row = 0; row < rows; ++row) {
    if (is_null(one, row) || is_null(other, row)) {
      set_null(output, row);
      continue;
    }
    if ((left == Given::Numeric && text_of(one, row) == exact_nan) ||
        (right == Given::Numeric && text_of(other, row) == exact_nan)) {
      set_text(output, row, exact_nan);
      continue;
    }
    const auto first = argument(one, row, left);
    const auto second = argument(other, row, right);
    if (divides && second && second->digits == 0) {
      return duckdb_scalar_function_set_error(info, by_zero);
    }
    const auto result = first && second ? compute(*first, *second) : std::nullopt;
    if (!result) return duckdb_scalar_function_set_error(info, too_long);
    put(output, row, *result);
  }
}

std::optional<Exact> subtract(Exact one, Exact other) {
  other.digits = -other.digits;
  return add(one, other);
}

// -------------------------------------------------------------------------------- of one argument

using Unary = std::optional<Exact> (*)(Exact number);

template <Unary compute>
void unary(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
  duckdb_vector numbers = duckdb_data_chunk_get_vector(input, 0);
  each_present(numbers, duckdb_data_chunk_get_size(input), output, [&](idx_t row) {
    const std::string_view form = text_of(numbers, row);
    if (form == exact_nan) {
      set_text(output, row, exact_nan);
      return true;
    }
    const auto number = to_exact(form);
    const auto result = number ? compute(*number) : std::nullopt;
    if (result) {
      put(output, row, *result);
    } else {
      duckdb_scalar_function_set_error(info, too_long);
    }
    return result.has_value();
  });
}

std::optional<Exact> same(Exact number) {
  return number;
}
std::optional<Exact> negated(Exact number) {
  return Exact{-number.digits, number.scale};
}
std::optional<Exact> absolute(Exact number) {
  return Exact{number.digits < 0 ? -number.digits : number.digits, number.scale};
}
std::optional<Exact> sign(Exact number) {
  return Exact{number.digits > 0 ? 1 : (number.digits < 0 ? -1 : 0), 0};
}
std::optional<Exact> rounded(Exact number) {
  return with_scale(number, 0);
}
// Without what is behind `scale` places.
Exact cut(Exact number, int scale) {
  for (; number.scale > scale; --number.scale) number.digits /= 10;
  return number;
}
std::optional<Exact> truncated(Exact number) {
  return cut(number, 0);
}
std::optional<Exact> floor_of(Exact number) {
  const Exact whole = cut(number, 0);
  const auto rest = subtract(number, whole);
  return rest && rest->digits < 0 ? subtract(whole, {1, 0}) : whole;
}
std::optional<Exact> ceiling_of(Exact number) {
  const Exact whole = cut(number, 0);
  const auto rest = subtract(number, whole);
  return rest && rest->digits > 0 ? add(whole, {1, 0}) : whole;
}

// Further from the point than any digit is as far as it goes.
int places_of(Exact places) {
  constexpr Wide beyond = exact_digits_max + 1;
  return static_cast<int>(std::clamp(places.digits, -beyond, beyond));
}
std::optional<Exact> rounded_to(Exact number, Exact places) {
  const int scale = places_of(places);
  return scale >= number.scale ? number : with_scale(number, scale);
}
std::optional<Exact> truncated_to(Exact number, Exact places) {
  return cut(number, places_of(places));
}

// ------------------------------------------------------------------------------------- aggregates

struct Sum {
  Exact total;
  std::int64_t count = 0;
  bool nan = false;
};

// The engine aligns states to eight bytes only.
Sum load(duckdb_aggregate_state state) {
  Sum sum;
  std::memcpy(static_cast<void*>(&sum), state, sizeof sum);
  return sum;
}
void save(duckdb_aggregate_state state, const Sum& sum) {
  std::memcpy(state, static_cast<const void*>(&sum), sizeof sum);
}

idx_t sum_size(duckdb_function_info /*info*/) {
  return sizeof(Sum);
}
void sum_init(duckdb_function_info /*info*/, duckdb_aggregate_state state) {
  save(state, Sum{});
}

void sum_update(duckdb_function_info info, duckdb_data_chunk input,
                duckdb_aggregate_state* states) {
  duckdb_vector numbers = duckdb_data_chunk_get_vector(input, 0);
  const idx_t rows = duckdb_data_chunk_get_size(input);
  for (idx_t row = 0; row < rows; ++row) {
    if (is_null(numbers, row)) continue;
    Sum sum = load(states[row]);
    ++sum.count;
    if (text_of(numbers, row) == exact_nan) {
      sum.nan = true;
    } else {
      const auto number = to_exact(text_of(numbers, row));
      const auto total = number ? add(sum.total, *number) : std::nullopt;
      if (!total) return duckdb_aggregate_function_set_error(info, too_long);
      sum.total = *total;
    }
    save(states[row], sum);
  }
}

void sum_combine(duckdb_function_info info, duckdb_aggregate_state* from,
                 duckdb_aggregate_state* into, idx_t count) {
  for (idx_t i = 0; i < count; ++i) {
    const Sum one = load(from[i]);
    Sum other = load(into[i]);
    const auto total = add(one.total, other.total);
    if (!total) return duckdb_aggregate_function_set_error(info, too_long);
    save(into[i], {*total, one.count + other.count, one.nan || other.nan});
  }
}

template <bool averages>
void sum_finish(duckdb_function_info info, duckdb_aggregate_state* states, duckdb_vector output,
                idx_t count, idx_t offset) {
  for (idx_t i = 0; i < count; ++i) {
    const Sum sum = load(states[i]);
    const idx_t row = offset + i;
    if (sum.count == 0) {
      set_null(output, row);
    } else if (sum.nan) {
      set_text(output, row, exact_nan);
    } else {
      const auto result =
          averages ? divide(sum.total, {static_cast<Wide>(sum.count), 0}) : sum.total;
      if (!result) return duckdb_aggregate_function_set_error(info, too_long);
      put(output, row, *result);
    }
  }
}

// ----------------------------------------------------------------------------------- registration

class Functions {
 public:
  explicit Functions(duckdb_connection connection) : connection_(connection) {}

  void scalar(const char* name, const std::vector<Given>& parameters,
              duckdb_scalar_function_t function) {
    scalar(name, parameters, function, numeric_);
  }

  // With an integer on either side too: a literal is one, and becomes no other type by itself.
  template <Binary compute, bool divides = false>
  void operation(const char* name) {
    scalar(name, {Given::Numeric, Given::Numeric},
           binary<compute, Given::Numeric, Given::Numeric, divides>);
    scalar(name, {Given::Numeric, Given::Integer},
           binary<compute, Given::Numeric, Given::Integer, divides>);
    scalar(name, {Given::Integer, Given::Numeric},
           binary<compute, Given::Integer, Given::Numeric, divides>);
  }

  void aggregate(const char* name, duckdb_aggregate_finalize_t finish) {
    duckdb_aggregate_function made = duckdb_create_aggregate_function();
    duckdb_aggregate_function_set_name(made, name);
    duckdb_aggregate_function_add_parameter(made, numeric_.get());
    duckdb_aggregate_function_set_return_type(made, numeric_.get());
    duckdb_aggregate_function_set_functions(made, sum_size, sum_init, sum_update, sum_combine,
                                            finish);
    note(name, duckdb_register_aggregate_function(connection_, made));
    duckdb_destroy_aggregate_function(&made);
  }

  Result<> outcome() const {
    if (refused_.empty()) return {};
    return Error{.message = "register function " + refused_ + ": the engine refused it"};
  }

 private:
  void scalar(const char* name, const std::vector<Given>& parameters,
              duckdb_scalar_function_t function, const OwnedType& result) {
    duckdb_scalar_function made = duckdb_create_scalar_function();
    duckdb_scalar_function_set_name(made, name);
    for (const Given given : parameters) {
      duckdb_scalar_function_add_parameter(made,
                                           given == Given::Numeric ? numeric_.get() : huge_.get());
    }
    duckdb_scalar_function_set_return_type(made, result.get());
    duckdb_scalar_function_set_function(made, function);
    note(name, duckdb_register_scalar_function(connection_, made));
    duckdb_destroy_scalar_function(&made);
  }
  void note(const char* name, duckdb_state state) {
    if (state != DuckDBSuccess && refused_.empty()) refused_ = name;
  }

  duckdb_connection connection_;
  OwnedType numeric_ = numeric_value_type();
  OwnedType huge_{duckdb_create_logical_type(DUCKDB_TYPE_HUGEINT)};
  std::string refused_;
};

}  // namespace

Result<> register_numeric_functions(duckdb_connection connection) {
  Functions functions(connection);
  functions.operation<add>("+");
  functions.operation<subtract>("-");
  functions.operation<multiply>("*");
  functions.operation<divide, true>("/");
  functions.operation<divide, true>("//");  // what / is for integers, and is written as
  functions.operation<remainder, true>("%");
  functions.operation<remainder, true>("mod");
  const std::vector<Given> one{Given::Numeric};
  functions.scalar("+", one, unary<same>);
  functions.scalar("-", one, unary<negated>);
  functions.scalar("abs", one, unary<absolute>);
  functions.scalar("sign", one, unary<sign>);
  functions.scalar("round", one, unary<rounded>);
  functions.scalar("trunc", one, unary<truncated>);
  functions.scalar("floor", one, unary<floor_of>);
  functions.scalar("ceil", one, unary<ceiling_of>);
  functions.scalar("ceiling", one, unary<ceiling_of>);
  const std::vector<Given> places{Given::Numeric, Given::Integer};
  functions.scalar("round", places, binary<rounded_to, Given::Numeric, Given::Integer, false>);
  functions.scalar("trunc", places, binary<truncated_to, Given::Numeric, Given::Integer, false>);
  functions.aggregate("numeric_sum", sum_finish<false>);
  functions.aggregate("numeric_avg", sum_finish<true>);
  return functions.outcome();
}

}  // namespace freshet::engine
