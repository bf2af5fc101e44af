#include "model/date_time_text.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <string_view>

namespace freshet {

namespace {

constexpr std::int64_t micros_per_second = 1'000'000;
constexpr std::int64_t micros_per_day = 86'400 * micros_per_second;

// ".5", ".000001", nothing for a whole second.
void append_fraction(std::string& out, std::int64_t micros) {
  if (micros == 0) return;
  out.push_back('.');
  append_padded(out, micros, 6);
  while (out.back() == '0') out.pop_back();
}

// The date without its era; true when it is before Christ.
bool append_day(std::string& out, std::int64_t days) {
  // Civil date from days, proleptic Gregorian, in 64 bits: the engine's years exceed std::chrono's.
  const std::int64_t shifted = days + 719'468;
  const std::int64_t era = (shifted >= 0 ? shifted : shifted - 146'096) / 146'097;
  const std::int64_t day_of_era = shifted - era * 146'097;
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t shifted_month = (5 * day_of_year + 2) / 153;
  const std::int64_t day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
  const std::int64_t month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  const std::int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
  append_padded(out, year > 0 ? year : 1 - year, 4);
  out.push_back('-');
  append_padded(out, month, 2);
  out.push_back('-');
  append_padded(out, day, 2);
  return year <= 0;
}

void append_clock(std::string& out, std::int64_t micros) {
  const std::int64_t seconds = micros / micros_per_second;
  append_padded(out, seconds / 3'600, 2);
  out.push_back(':');
  append_padded(out, seconds / 60 % 60, 2);
  out.push_back(':');
  append_padded(out, seconds % 60, 2);
  append_fraction(out, micros % micros_per_second);
}

void append_offset(std::string& out, std::int32_t seconds) {
  out.push_back(seconds < 0 ? '-' : '+');
  const std::int32_t size = std::abs(seconds);
  append_padded(out, size / 3'600, 2);
  if (size % 3'600 != 0) {
    out.push_back(':');
    append_padded(out, size / 60 % 60, 2);
  }
  if (size % 60 != 0) {
    out.push_back(':');
    append_padded(out, size % 60, 2);
  }
}

// True when it was an infinity, which is written out.
bool append_infinity(std::string& out, std::int64_t value, std::int64_t infinity) {
  if (value != infinity && value != -infinity) return false;
  out += value > 0 ? "infinity" : "-infinity";
  return true;
}

}  // namespace

void append_padded(std::string& out, std::int64_t value, std::size_t digits) {
  const std::string text = std::to_string(value);
  if (text.size() < digits) out.append(digits - text.size(), '0');
  out += text;
}

void append_date(std::string& out, std::int32_t days) {
  if (append_infinity(out, days, std::numeric_limits<std::int32_t>::max())) return;
  if (append_day(out, days)) out += " BC";
}

void append_time(std::string& out, std::int64_t micros) {
  append_clock(out, micros);
}

void append_timestamp(std::string& out, std::int64_t micros, std::optional<std::int32_t> offset) {
  if (append_infinity(out, micros, std::numeric_limits<std::int64_t>::max())) return;
  const std::int64_t local = micros + (offset ? *offset * micros_per_second : 0);
  std::int64_t days = local / micros_per_day;
  if (local % micros_per_day < 0) --days;
  const bool before_christ = append_day(out, days);
  out.push_back(' ');
  append_clock(out, local - days * micros_per_day);
  if (offset) append_offset(out, *offset);
  if (before_christ) out += " BC";
}

void append_timetz(std::string& out, std::int64_t micros, std::int32_t offset) {
  append_clock(out, micros);
  append_offset(out, offset);
}

void append_interval(std::string& out, const Interval& interval) {
  const std::size_t begin = out.size();
  bool negative_before = false;
  const auto part = [&](std::int32_t value, std::string_view unit) {
    if (value == 0) return;
    if (out.size() > begin) out.push_back(' ');
    if (negative_before && value > 0) out.push_back('+');
    out += std::to_string(value);
    out.append(" ").append(unit);
    if (value != 1) out.push_back('s');
    negative_before = value < 0;
  };
  part(interval.months / 12, "year");
  part(interval.months % 12, "mon");
  part(interval.days, "day");
  if (out.size() > begin && interval.micros == 0) return;
  if (out.size() > begin) out.push_back(' ');
  if (interval.micros < 0) {
    out.push_back('-');
  } else if (negative_before) {
    out.push_back('+');
  }
  const auto size = interval.micros < 0 ? 0 - static_cast<std::uint64_t>(interval.micros)
                                        : static_cast<std::uint64_t>(interval.micros);
  append_clock(out, static_cast<std::int64_t>(
                        std::min<std::uint64_t>(size, std::numeric_limits<std::int64_t>::max())));
}

}  // namespace freshet
