#include "postgres/numeric.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace freshet::postgres {

namespace {

// NOLINTNEXTLINE(modernize-use-using): __extension__ cannot stand before a using.
__extension__ typedef unsigned __int128 Uint128;

constexpr auto ok = ValueFault::None;
constexpr int group_digits = 4;  // decimal digits in one base-10000 digit

constexpr std::array<Uint128, 39> powers_of_ten = [] {
  std::array<Uint128, 39> powers{};
  Uint128 power = 1;
  for (Uint128& each : powers) {
    each = power;
    power *= 10;  // after 10^38 it wraps, unused
  }
  return powers;
}();
Uint128 power_of_ten(int exponent) {
  return powers_of_ten[static_cast<std::size_t>(exponent)];
}

// The header and the digits of a binary numeric, with zero groups in front left out.
struct BinaryNumeric {
  enum class Kind : std::uint8_t { Finite, NotANumber, Infinity, NegativeInfinity, Malformed };
  Kind kind = Kind::Malformed;
  bool negative = false;
  int weight = 0;  // power of 10000 of the first group
  int dscale = 0;
  int count = 0;
  const std::byte* digits = nullptr;

  int group(int i) const { return load_big<std::uint16_t>(digits + std::ptrdiff_t{2} * i); }
};

BinaryNumeric read(Bytes bytes) {
  using Kind = BinaryNumeric::Kind;
  BinaryNumeric numeric;
  if (bytes.size() < 8) return numeric;
  numeric.count = load_big<std::int16_t>(bytes.data());
  numeric.weight = load_big<std::int16_t>(bytes.data() + 2);
  const auto sign = load_big<std::uint16_t>(bytes.data() + 4);
  numeric.dscale = load_big<std::uint16_t>(bytes.data() + 6);
  numeric.digits = bytes.data() + 8;
  if (numeric.count < 0 || bytes.size() != 8 + 2 * static_cast<std::size_t>(numeric.count)) {
    return numeric;
  }
  switch (sign) {
    case 0x0000: break;
    case 0x4000: numeric.negative = true; break;
    case 0xc000: numeric.kind = Kind::NotANumber; return numeric;
    case 0xd000: numeric.kind = Kind::Infinity; return numeric;
    case 0xf000: numeric.kind = Kind::NegativeInfinity; return numeric;
    default: return numeric;
  }
  constexpr int dscale_max = 0x3fff;
  if (numeric.dscale > dscale_max) return numeric;
  for (int i = 0; i < numeric.count; ++i) {
    if (numeric.group(i) > 9999) return numeric;
  }
  while (numeric.count > 0 && numeric.group(0) == 0) {
    numeric.digits += 2;
    --numeric.count;
    --numeric.weight;
  }
  if (numeric.count == 0) {
    numeric.weight = 0;
    numeric.negative = false;
  }
  numeric.kind = Kind::Finite;
  return numeric;
}

// An unscaled integer that grows at its right end and stays below 10^precision.
template <typename Unsigned>
class Digits {
 public:
  explicit Digits(int precision) : precision_(precision) {}

  // Appends `value`, which has `digits` decimal digits; false when the precision is passed.
  bool append(int digits, int value) {
    if (precision_ >= digits) {
      if (value_ >= static_cast<Unsigned>(power_of_ten(precision_ - digits))) return false;
    } else if (value_ != 0 || value >= static_cast<int>(power_of_ten(precision_))) {
      return false;
    }
    value_ = static_cast<Unsigned>(value_ * static_cast<Unsigned>(power_of_ten(digits)) +
                                   static_cast<Unsigned>(value));
    return true;
  }
  // Appends zeros.
  bool shift(int digits) {
    if (value_ == 0) return true;
    if (digits > precision_ || value_ >= static_cast<Unsigned>(power_of_ten(precision_ - digits))) {
      return false;
    }
    value_ = static_cast<Unsigned>(value_ * static_cast<Unsigned>(power_of_ten(digits)));
    return true;
  }
  Int128 signed_value(bool negative) const {
    const auto value = static_cast<Int128>(value_);
    return negative ? -value : value;
  }

 private:
  int precision_;
  Unsigned value_ = 0;
};

template <typename Unsigned>
ScaledInteger scaled(const BinaryNumeric& numeric, int precision, int scale) {
  Digits<Unsigned> digits(precision);
  // How many decimals of the result are still to come, once group i is in.
  int decimals_left = scale + group_digits * numeric.weight;
  for (int i = 0; i < numeric.count; ++i, decimals_left -= group_digits) {
    const int group = numeric.group(i);
    if (decimals_left >= 0) {
      if (!digits.append(group_digits, group)) return {ValueFault::OutOfRange};
      continue;
    }
    const int cut = std::min(-decimals_left, group_digits);  // of this group's digits
    const int unit = static_cast<int>(power_of_ten(cut));
    if (group % unit != 0) return {ValueFault::OutOfRange};
    if (cut == group_digits) continue;
    if (!digits.append(group_digits - cut, group / unit)) return {ValueFault::OutOfRange};
  }
  const int zeros = decimals_left + group_digits;
  if (numeric.count > 0 && zeros > 0 && !digits.shift(zeros)) return {ValueFault::OutOfRange};
  return {ok, digits.signed_value(numeric.negative)};
}

void print_group(char* to, int group) {
  to[0] = static_cast<char>('0' + group / 1000);
  to[1] = static_cast<char>('0' + group / 100 % 10);
  to[2] = static_cast<char>('0' + group / 10 % 10);
  to[3] = static_cast<char>('0' + group % 10);
}

// Writes the digits before the point and returns their end.
char* print_integer_part(const BinaryNumeric& numeric, char* to) {
  if (numeric.weight < 0 || numeric.count == 0) {
    *to++ = '0';
    return to;
  }
  char first[group_digits];
  print_group(first, numeric.group(0));
  const char* const significant = std::find_if(first, first + 3, [](char c) { return c != '0'; });
  to = std::copy(significant, static_cast<const char*>(first + group_digits), to);
  for (int i = 1; i <= numeric.weight; ++i, to += group_digits) {
    print_group(to, i < numeric.count ? numeric.group(i) : 0);
  }
  return to;
}

// Writes dscale digits; false when there are digits beyond them.
bool print_fraction(const BinaryNumeric& numeric, char* to) {
  int left = numeric.dscale;
  for (int i = numeric.weight + 1; left > 0 || i < numeric.count; ++i) {
    char group[group_digits];
    print_group(group, i >= 0 && i < numeric.count ? numeric.group(i) : 0);
    const int shown = std::min(left, group_digits);
    to = std::copy(group, group + shown, to);
    left -= shown;
    if (std::any_of(group + shown, group + group_digits, [](char c) { return c != '0'; })) {
      return false;
    }
  }
  return true;
}

NumericText print(const BinaryNumeric& numeric, Arena& arena) {
  const int integer_digits = (std::max(numeric.weight, 0) + 1) * group_digits;
  const int size_max = 2 + integer_digits + numeric.dscale;  // sign and point
  char* const begin = arena.allocate(static_cast<std::size_t>(size_max));
  char* end = begin;
  if (numeric.negative) *end++ = '-';
  end = print_integer_part(numeric, end);
  if (numeric.dscale > 0) *end++ = '.';
  if (!print_fraction(numeric, end)) return {ValueFault::Malformed};
  end += numeric.dscale;
  return {ok, {begin, static_cast<std::size_t>(end - begin)}};
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Sign, digits and decimals of a finite numeric's text.
struct TextNumeric {
  bool valid = false;
  bool negative = false;
  std::string_view integer{};
  std::string_view fraction{};
};

TextNumeric split(std::string_view text) {
  TextNumeric numeric;
  if (text.starts_with('-')) {
    numeric.negative = true;
    text.remove_prefix(1);
  }
  const std::size_t point = text.find('.');
  numeric.integer = text.substr(0, point);
  if (point != std::string_view::npos) {
    numeric.fraction = text.substr(point + 1);
    if (numeric.fraction.empty()) return numeric;
  }
  numeric.valid = !numeric.integer.empty() &&
                  std::all_of(numeric.integer.begin(), numeric.integer.end(), is_digit) &&
                  std::all_of(numeric.fraction.begin(), numeric.fraction.end(), is_digit);
  return numeric;
}

template <typename Unsigned>
ScaledInteger scaled(const TextNumeric& numeric, int precision, int scale) {
  Digits<Unsigned> digits(precision);
  for (const char c : numeric.integer) {
    if (!digits.append(1, c - '0')) return {ValueFault::OutOfRange};
  }
  const auto decimals = std::min(numeric.fraction.size(), static_cast<std::size_t>(scale));
  for (const char c : numeric.fraction.substr(0, decimals)) {
    if (!digits.append(1, c - '0')) return {ValueFault::OutOfRange};
  }
  const std::string_view beyond = numeric.fraction.substr(decimals);
  if (beyond.find_first_not_of('0') != std::string_view::npos) return {ValueFault::OutOfRange};
  if (!digits.shift(scale - static_cast<int>(decimals))) return {ValueFault::OutOfRange};
  return {ok, digits.signed_value(numeric.negative)};
}

// Digits checks before it grows, so 10^precision is the largest number there is.
constexpr int precision_max_64 = 18;

}  // namespace

ScaledInteger scaled_from_binary(Bytes bytes, int precision, int scale) {
  using Kind = BinaryNumeric::Kind;
  const BinaryNumeric numeric = read(bytes);
  switch (numeric.kind) {
    case Kind::Malformed: return {ValueFault::Malformed};
    case Kind::NotANumber: return {ValueFault::NotANumber};
    case Kind::Infinity:
    case Kind::NegativeInfinity: return {ValueFault::Infinite};
    case Kind::Finite: break;
  }
  if (precision <= precision_max_64) return scaled<std::uint64_t>(numeric, precision, scale);
  return scaled<Uint128>(numeric, precision, scale);
}

ScaledInteger scaled_from_text(std::string_view text, int precision, int scale) {
  if (text == "NaN") return {ValueFault::NotANumber};
  if (text == "Infinity" || text == "-Infinity") return {ValueFault::Infinite};
  const TextNumeric numeric = split(text);
  if (!numeric.valid) return {ValueFault::Malformed};
  if (precision <= precision_max_64) return scaled<std::uint64_t>(numeric, precision, scale);
  return scaled<Uint128>(numeric, precision, scale);
}

NumericText text_from_binary(Bytes bytes, Arena& arena) {
  using Kind = BinaryNumeric::Kind;
  const BinaryNumeric numeric = read(bytes);
  switch (numeric.kind) {
    case Kind::Malformed: return {ValueFault::Malformed};
    case Kind::NotANumber: return {ok, "NaN"};
    case Kind::Infinity: return {ok, "Infinity"};
    case Kind::NegativeInfinity: return {ok, "-Infinity"};
    case Kind::Finite: break;
  }
  return print(numeric, arena);
}

bool is_numeric_text(std::string_view text) {
  return text == "NaN" || text == "Infinity" || text == "-Infinity" || split(text).valid;
}

}  // namespace freshet::postgres
