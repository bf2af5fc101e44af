#include "postgres/utf8.h"

#include <simdjson.h>

#include <cstdint>
#include <cstring>

namespace freshet::postgres {

namespace {

// Most values are short and ASCII; seeing that takes less time than choosing the processor's best
// way for long ones.
bool is_ascii(const char* text, std::size_t size) {
  constexpr std::uint64_t high_bits = 0x8080808080808080;
  std::uint64_t seen = 0;
  std::size_t at = 0;
  for (; at + sizeof seen <= size; at += sizeof seen) {
    std::uint64_t word = 0;
    std::memcpy(&word, text + at, sizeof word);
    seen |= word;
  }
  std::uint64_t rest = 0;
  if (at < size) std::memcpy(&rest, text + at, size - at);
  return ((seen | rest) & high_bits) == 0;
}

}  // namespace

bool is_utf8(Bytes text) {
  constexpr std::size_t short_max = 64;
  const auto* const chars = reinterpret_cast<const char*>(text.data());
  if (text.size() <= short_max && is_ascii(chars, text.size())) return true;
  return simdjson::validate_utf8(chars, text.size());
}

}  // namespace freshet::postgres
