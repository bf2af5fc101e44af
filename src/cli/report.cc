#include "cli/report.h"

#include <fmt/format.h>

#include <cstdio>

namespace freshet::cli {

void report(const Error& error) {
  std::string text = "freshet: " + error.message + "\n";
  if (!error.detail.empty()) text += "  " + error.detail + "\n";
  if (!error.hint.empty()) text += "  " + error.hint + "\n";
  std::fputs(text.c_str(), stderr);
}

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
  return fmt::format("{:.0f} h", seconds / 3600);
}

}  // namespace freshet::cli
