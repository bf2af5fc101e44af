// PostgreSQL's numeric: its wire forms to an exact integer or an exact text, never through a float.
//
// Binary form: int16 count of digits, int16 weight, uint16 sign, uint16 dscale, then the digits,
// base 10000, most significant first; the value is Σ digit[i] · 10000^(weight - i), shown with
// dscale decimals.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/arena.h"
#include "base/bytes.h"
#include "postgres/values.h"

namespace freshet::postgres {

// NOLINTNEXTLINE(modernize-use-using): __extension__ cannot stand before a using.
__extension__ typedef __int128 Int128;

// value · 10^scale, or why it does not fit decimal(precision, scale) exactly.
struct ScaledInteger {
  ValueFault fault = ValueFault::None;
  Int128 value = 0;
};
ScaledInteger scaled_from_binary(Bytes numeric, int precision, int scale);
ScaledInteger scaled_from_text(std::string_view numeric, int precision, int scale);

// The text that PostgreSQL itself prints for a binary numeric, built in `arena`.
struct NumericText {
  ValueFault fault = ValueFault::None;
  std::string_view text{};
};
NumericText text_from_binary(Bytes numeric, Arena& arena);

// True for what PostgreSQL prints for a numeric: digits with an optional sign and point, NaN,
// Infinity, -Infinity.
bool is_numeric_text(std::string_view text);

}  // namespace freshet::postgres
