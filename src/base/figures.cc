#include "base/figures.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace freshet {

std::string short_number(double number) {
  if (number >= 1e9) return fmt::format("{:.1f} G", number / 1e9);
  if (number >= 1e6) return fmt::format("{:.1f} M", number / 1e6);
  if (number >= 1e4) return fmt::format("{:.1f} k", number / 1e3);
  return fmt::format("{:.0f}", number);
}

std::string short_time(double seconds) {
  if (seconds < 1) return fmt::format("{:.0f} ms", seconds * 1e3);
  if (seconds < 120) return fmt::format("{:.0f} s", seconds);
  if (seconds < 7200) return fmt::format("{:.0f} min", seconds / 60);
  if (seconds < 172800) return fmt::format("{:.0f} h", seconds / 3600);
  return fmt::format("{:.0f} days", seconds / 86400);
}

std::string short_bytes(double bytes) {
  constexpr auto units = std::to_array<const char*>({"B", "kB", "MB", "GB", "TB"});
  std::size_t unit = 0;
  while (bytes >= 1024 && unit + 1 < units.size()) {
    bytes /= 1024;
    ++unit;
  }
  const bool is_whole = bytes >= 100 || std::round(bytes) == bytes;
  return fmt::format("{:.{}f} {}", bytes, is_whole ? 0 : 1, units.at(unit));
}

}  // namespace freshet
