// Numbers of any size in bytes that sort as the numbers do: what a numeric without a precision is
// to queries. One value has one form, so that equal bytes are equal numbers: zeros at the end of
// the digits, which PostgreSQL would show, are not kept.
//
//   NaN F8, infinity F0, zero 80, -infinity 10: as one byte
//   positive  C0, the exponent + 2^23 (3 bytes), digits in pairs (each + 1), 00
//   negative  the same with every bit flipped, and so FF at its end
//
// The number is 0.d1d2d3… × 10^exponent, d1 not zero. PostgreSQL's order: NaN is the largest.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace freshet {

// ISO C++ has no name for it.
__extension__ using Wide = __int128;

inline constexpr std::string_view exact_nan = "\xF8";  // the form of NaN

// Appends the form of a number as PostgreSQL prints it ("-12.50", "1e30", "NaN", "Infinity");
// false, and nothing appended, when it is no such text.
bool append_exact(std::string& out, std::string_view text);
// The text of a form that append_exact made: "-12.5".
std::string exact_text(std::string_view form);

// What can be computed with: at most 38 digits.
struct Exact {
  Wide digits = 0;  // the number × 10^scale
  int scale = 0;    // 0 to 38
};
inline constexpr int exact_digits_max = 38;

// Nothing when it has more digits, or is NaN or infinite.
std::optional<Exact> to_exact(std::string_view form);
void append_exact(std::string& out, Exact number);

// With another scale; what does not fit behind the point is rounded, halves away from zero. Nothing
// beyond 38 digits.
std::optional<Exact> with_scale(Exact number, int scale);
// Nothing beyond 38 digits.
std::optional<Exact> add(Exact one, Exact other);
std::optional<Exact> multiply(Exact one, Exact other);
// `divisor` is not zero. As many digits as PostgreSQL gives a quotient: 16 that count, at least as
// many behind the point as either has, as far as 38 reach; the last is rounded.
std::optional<Exact> divide(Exact dividend, Exact divisor);
std::optional<Exact> remainder(Exact dividend, Exact divisor);

}  // namespace freshet
