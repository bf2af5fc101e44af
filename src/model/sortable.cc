#include "model/sortable.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <optional>

#include "base/bytes.h"
#include "model/network.h"
#include "model/position.h"

namespace freshet {

namespace {

constexpr std::uint64_t sign_bit = std::uint64_t{1} << 63;
constexpr std::size_t number_bytes = sizeof(std::uint64_t);
constexpr std::size_t place_bytes = sizeof(std::uint32_t);

std::uint64_t number_of(std::string_view form) {
  return ByteReader(as_bytes(form)).big<std::uint64_t>();
}

std::string_view behind(std::string_view form, std::size_t bytes) {
  return form.substr(std::min(form.size(), bytes));
}

std::optional<std::uint64_t> unsigned_number(std::string_view digits) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

// "-$1,234.56", "(1.234,56 €)": digits are digits in every locale, and all values of one database
// have the same number of decimals.
std::optional<std::uint64_t> units_of_money(std::string_view text) {
  std::string digits;
  bool negative = false;
  for (const char c : text) {
    if (c >= '0' && c <= '9') digits.push_back(c);
    negative = negative || c == '-' || c == '(';
  }
  const auto size = unsigned_number(digits);
  if (!size || *size > sign_bit - (negative ? 0 : 1)) return std::nullopt;
  return negative ? 0 - *size : *size;
}

bool append_number(std::string& form, std::optional<std::uint64_t> number) {
  if (number) ByteWriter(form).big(*number);
  return number.has_value();
}

bool append_lsn(std::string& form, std::string_view text) {
  const auto lsn = parse_lsn(text);
  return append_number(form, lsn ? std::optional(lsn->value) : std::nullopt);
}

bool append_money(std::string& form, std::string_view text) {
  const auto units = units_of_money(text);
  if (!append_number(form, units ? std::optional(*units ^ sign_bit) : std::nullopt)) return false;
  form += text;
  return true;
}

}  // namespace

bool append_sortable(std::string& form, Shown shown, std::string_view text) {
  switch (shown) {
    case Shown::Inet:
    case Shown::Cidr: {
      const auto network = parse_network(text);
      if (network) append_network(form, *network);
      return network.has_value();
    }
    case Shown::Lsn: return append_lsn(form, text);
    case Shown::Xid8: return append_number(form, unsigned_number(text));
    case Shown::Money: return append_money(form, text);
    default: return false;
  }
}

void append_label(std::string& form, std::uint32_t place, std::string_view label) {
  ByteWriter(form).big(place);
  form += label;
}

std::string sortable_text(Shown shown, std::string_view form) {
  switch (shown) {
    case Shown::Inet: return network_text(network_of(form), Bits::WhenFewer);
    case Shown::Cidr: return network_text(network_of(form), Bits::Always);
    case Shown::Lsn: return to_string(Lsn{number_of(form)});
    case Shown::Xid8: return std::to_string(number_of(form));
    case Shown::Money: return std::string(behind(form, number_bytes));
    default: return std::string(behind(form, place_bytes));
  }
}

std::int64_t sortable_number(Shown shown, std::string_view form) {
  return std::bit_cast<std::int64_t>(number_of(form) ^ (shown == Shown::Money ? sign_bit : 0));
}

}  // namespace freshet
