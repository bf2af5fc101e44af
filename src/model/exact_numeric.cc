#include "model/exact_numeric.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace freshet {

namespace {

constexpr char infinity_form = '\xF0';
constexpr char zero_form = '\x80';
constexpr char minus_infinity_form = '\x10';
constexpr unsigned char positive_mark = 0xC0;
constexpr std::int32_t exponent_bias = 1 << 23;
constexpr std::size_t head_bytes = 4;  // mark and exponent

Wide power_of_ten(int exponent) {
  static const std::array<Wide, exact_digits_max + 1> powers = [] {
    std::array<Wide, exact_digits_max + 1> made{};
    made[0] = 1;
    for (std::size_t i = 1; i < made.size(); ++i) made[i] = made[i - 1] * 10;
    return made;
  }();
  return powers.at(static_cast<std::size_t>(exponent));
}

Wide magnitude(Wide value) {
  return value < 0 ? -value : value;
}

bool fits(Wide digits) {
  return magnitude(digits) < power_of_ten(exact_digits_max);
}

bool all_digits(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// Significant digits, the first and the last of them not zero; none is zero.
struct Digits {
  bool negative = false;
  std::string digits;
  std::int32_t exponent = 0;
};

void append_form(std::string& out, const Digits& number) {
  if (number.digits.empty()) {
    out += zero_form;
    return;
  }
  const std::size_t begin = out.size();
  const auto exponent = static_cast<std::uint32_t>(number.exponent + exponent_bias);
  out += static_cast<char>(positive_mark);
  for (const int shift : {16, 8, 0}) out += static_cast<char>(exponent >> shift & 0xFF);
  for (std::size_t i = 0; i < number.digits.size(); i += 2) {
    const int tens = number.digits[i] - '0';
    const int ones = i + 1 < number.digits.size() ? number.digits[i + 1] - '0' : 0;
    out += static_cast<char>(tens * 10 + ones + 1);
  }
  out += '\0';
  if (!number.negative) return;
  std::for_each(out.begin() + static_cast<std::ptrdiff_t>(begin), out.end(),
                [](char& c) { c = static_cast<char>(~c); });
}

// Of a form that is a number and not zero.
Digits read_form(std::string_view form) {
  Digits number;
  number.negative = static_cast<unsigned char>(form[0]) < 0x80;
  const auto byte = [&](std::size_t at) {
    const auto value = static_cast<unsigned char>(form[at]);
    return static_cast<std::uint32_t>(number.negative ? static_cast<unsigned char>(~value) : value);
  };
  number.exponent =
      static_cast<std::int32_t>(byte(1) << 16 | byte(2) << 8 | byte(3)) - exponent_bias;
  for (std::size_t i = head_bytes; i + 1 < form.size(); ++i) {
    const auto pair = static_cast<int>(byte(i)) - 1;
    number.digits += static_cast<char>('0' + pair / 10);
    number.digits += static_cast<char>('0' + pair % 10);
  }
  while (number.digits.ends_with('0')) number.digits.pop_back();
  return number;
}

Digits normal(bool negative, std::string digits, std::int64_t exponent) {
  const std::size_t first = std::min(digits.find_first_not_of('0'), digits.size());
  digits.erase(0, first);
  while (digits.ends_with('0')) digits.pop_back();
  return {negative, std::move(digits),
          static_cast<std::int32_t>(exponent - static_cast<std::int64_t>(first))};
}

std::optional<Digits> parse(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  std::int64_t exponent = 0;
  if (const auto e = text.find_first_of("eE"); e != std::string_view::npos) {
    std::string_view power = text.substr(e + 1);
    if (power.starts_with('+')) power.remove_prefix(1);
    const auto [end, failed] = std::from_chars(power.data(), power.data() + power.size(), exponent);
    constexpr std::int64_t exponent_max = 1'000'000;
    if (failed != std::errc() || end != power.data() + power.size()) return std::nullopt;
    if (exponent > exponent_max || exponent < -exponent_max) return std::nullopt;
    text = text.substr(0, e);
  }
  const std::size_t point = std::min(text.find('.'), text.size());
  const std::string_view before = text.substr(0, point);
  const std::string_view behind = point < text.size() ? text.substr(point + 1) : "";
  if (before.empty() && behind.empty()) return std::nullopt;
  if (!all_digits(before) || !all_digits(behind)) return std::nullopt;
  exponent += static_cast<std::int64_t>(before.size());
  constexpr std::int64_t place_max = exponent_bias - 1;
  if (exponent > place_max || exponent < -place_max / 2) return std::nullopt;
  return normal(negative, std::string(before) + std::string(behind), exponent);
}

std::optional<Exact> checked(Wide digits, int scale) {
  // Zeros at the end make room, as far as they have to.
  while ((scale > exact_digits_max || !fits(digits)) && scale > 0 && digits % 10 == 0) {
    digits /= 10;
    --scale;
  }
  if (scale > exact_digits_max || !fits(digits)) return std::nullopt;
  return Exact{digits, scale};
}

// Without zeros at its end.
Exact shortest(Exact number) {
  while (number.scale > 0 && number.digits % 10 == 0) {
    number.digits /= 10;
    --number.scale;
  }
  return number;
}

int count_digits(Wide value) {
  int count = 0;
  for (value = magnitude(value); value > 0; value /= 10) ++count;
  return count;
}

}  // namespace

bool append_exact(std::string& out, std::string_view text) {
  if (text == "NaN") {
    out += exact_nan;
  } else if (text == "Infinity" || text == "inf") {
    out += infinity_form;
  } else if (text == "-Infinity" || text == "-inf") {
    out += minus_infinity_form;
  } else if (const auto number = parse(text)) {
    append_form(out, *number);
  } else {
    return false;
  }
  return true;
}

std::string exact_text(std::string_view form) {
  if (form == exact_nan) return "NaN";
  if (form.size() == 1) {
    switch (form[0]) {
      case infinity_form: return "Infinity";
      case minus_infinity_form: return "-Infinity";
      default: return "0";
    }
  }
  if (form.size() <= head_bytes) return "";  // not made here
  const Digits number = read_form(form);
  std::string text = number.negative ? "-" : "";
  const auto before = static_cast<std::size_t>(std::max(number.exponent, 0));
  const auto count = number.digits.size();
  text += before == 0 ? "0" : number.digits.substr(0, std::min(before, count));
  if (before > count) text.append(before - count, '0');
  if (before >= count) return text;
  text += '.';
  if (number.exponent < 0) text.append(static_cast<std::size_t>(-number.exponent), '0');
  return text + number.digits.substr(before);
}

std::optional<Exact> to_exact(std::string_view form) {
  if (form.size() == 1) return form[0] == zero_form ? std::optional(Exact{}) : std::nullopt;
  if (form.size() <= head_bytes) return std::nullopt;
  const Digits number = read_form(form);
  const auto count = static_cast<std::int32_t>(number.digits.size());
  const std::int32_t scale = std::max(count - number.exponent, 0);
  const std::int32_t zeros = std::max(number.exponent - count, 0);
  if (count + zeros > exact_digits_max || scale > exact_digits_max) return std::nullopt;
  Wide digits = 0;
  for (const char c : number.digits) digits = digits * 10 + (c - '0');
  digits *= power_of_ten(zeros);
  return Exact{number.negative ? -digits : digits, scale};
}

void append_exact(std::string& out, Exact number) {
  std::string digits;
  for (Wide rest = magnitude(number.digits); rest > 0; rest /= 10) {
    digits += static_cast<char>('0' + static_cast<int>(rest % 10));
  }
  std::ranges::reverse(digits);
  const auto exponent = static_cast<std::int64_t>(digits.size()) - number.scale;
  append_form(out, normal(number.digits < 0, std::move(digits), exponent));
}

std::optional<Exact> with_scale(Exact number, int scale) {
  if (scale > number.scale) {
    const int more = scale - number.scale;
    if (number.digits == 0) return Exact{0, scale};
    if (count_digits(number.digits) + more > exact_digits_max) return std::nullopt;
    return Exact{number.digits * power_of_ten(more), scale};
  }
  const int less = number.scale - scale;
  if (less > exact_digits_max) return Exact{0, scale};
  const Wide unit = power_of_ten(less);
  Wide digits = number.digits / unit;
  const Wide rest = magnitude(number.digits % unit);
  if (less > 0 && rest >= unit - rest) digits += number.digits < 0 ? -1 : 1;
  return checked(digits, scale);
}

std::optional<Exact> add(Exact one, Exact other) {
  one = shortest(one);
  other = shortest(other);
  const int scale = std::max(one.scale, other.scale);
  const auto left = with_scale(one, scale);
  const auto right = with_scale(other, scale);
  if (!left || !right) return std::nullopt;
  return checked(left->digits + right->digits, scale);  // two of 38 digits fit 128 bits
}

std::optional<Exact> multiply(Exact one, Exact other) {
  one = shortest(one);
  other = shortest(other);
  Wide product = 0;
  if (__builtin_mul_overflow(one.digits, other.digits, &product)) return std::nullopt;
  return checked(product, one.scale + other.scale);
}

std::optional<Exact> divide(Exact dividend, Exact divisor) {
  dividend = shortest(dividend);
  divisor = shortest(divisor);
  // The long division below multiplies a rest, which is smaller than the divisor, by ten.
  if (magnitude(divisor.digits) >= power_of_ten(exact_digits_max - 1)) return std::nullopt;
  constexpr int significant = 16;
  const int weight = (count_digits(dividend.digits) - dividend.scale) -
                     (count_digits(divisor.digits) - divisor.scale);
  const int scale = std::clamp(std::max({significant - weight, dividend.scale, divisor.scale}), 0,
                               exact_digits_max - 1);
  const bool negative = (dividend.digits < 0) != (divisor.digits < 0);
  const Wide by = magnitude(divisor.digits);
  Wide quotient = magnitude(dividend.digits) / by;
  Wide rest = magnitude(dividend.digits) % by;
  int reached = dividend.scale - divisor.scale;
  for (; reached < scale + 1; ++reached) {
    if (quotient >= power_of_ten(exact_digits_max - 1)) break;
    rest *= 10;
    quotient = quotient * 10 + rest / by;
    rest %= by;
  }
  if (reached < 0) return std::nullopt;
  const auto rounded = with_scale({quotient, reached}, std::min(reached, scale));
  if (!rounded) return std::nullopt;
  return Exact{negative ? -rounded->digits : rounded->digits, rounded->scale};
}

std::optional<Exact> remainder(Exact dividend, Exact divisor) {
  const int scale = std::max(dividend.scale, divisor.scale);
  const auto left = with_scale(dividend, scale);
  const auto right = with_scale(divisor, scale);
  if (!left || !right) return std::nullopt;
  return Exact{left->digits % right->digits, scale};
}

}  // namespace freshet
