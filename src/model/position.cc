#include "model/position.h"

#include <fmt/core.h>

#include <charconv>

namespace freshet {

namespace {

std::optional<std::uint32_t> parse_half(std::string_view text) {
  std::uint32_t half = 0;
  if (text.empty() || text.size() > 8) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), half, 16);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return half;
}

}  // namespace

std::string to_string(Lsn lsn) {
  return fmt::format("{:X}/{:X}", lsn.value >> 32, lsn.value & 0xffffffffU);
}

std::optional<Lsn> parse_lsn(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto high = parse_half(text.substr(0, slash));
  const auto low = parse_half(text.substr(slash + 1));
  if (!high || !low) return std::nullopt;
  return Lsn{(std::uint64_t{*high} << 32) | *low};
}

}  // namespace freshet
