#include "model/date_time.h"

#include <algorithm>
#include <limits>

namespace freshet {

namespace {

constexpr auto ok = ValueFault::None;
constexpr auto malformed = ValueFault::Malformed;
constexpr auto out_of_range = ValueFault::OutOfRange;

constexpr std::int64_t micros_per_second = 1'000'000;
constexpr std::int64_t micros_per_day = 86'400 * micros_per_second;
constexpr std::int64_t days_1970_to_2000 = 10'957;
constexpr std::int32_t date_infinity = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t timestamp_infinity = std::numeric_limits<std::int64_t>::max();

// The first day that PostgreSQL knows, 4714-11-24 BC, and the one after its last, 5874897-12-31;
// in days since 1970.
constexpr std::int64_t date_begin = -2'440'588;
constexpr std::int64_t date_end = 2'145'042'906;

// Reads a text from its front; what is not there as expected makes it fail, once and for all.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool failed() const { return failed_; }
  bool done() const { return rest_.empty(); }
  char peek() const { return rest_.empty() ? '\0' : rest_.front(); }
  bool skip(std::string_view expected) {
    if (!rest_.starts_with(expected)) return false;
    rest_.remove_prefix(expected.size());
    return true;
  }
  void expect(std::string_view expected) {
    if (!skip(expected)) failed_ = true;
  }
  // At least `digits_min` digits, at most 18, so that it fits.
  std::int64_t number(std::size_t digits_min, std::size_t digits_max = 18) {
    std::int64_t value = 0;
    std::size_t digits = 0;
    for (; peek() >= '0' && peek() <= '9' && digits < digits_max; ++digits) {
      value = value * 10 + (peek() - '0');
      rest_.remove_prefix(1);
    }
    if (digits < digits_min) failed_ = true;
    return value;
  }
  // ".5" as 500,000: up to six decimals, or nothing.
  std::int64_t fraction() {
    if (!skip(".")) return 0;
    const std::size_t before = rest_.size();
    std::int64_t value = number(1, 6);
    for (std::size_t digits = before - rest_.size(); digits < 6; ++digits) value *= 10;
    return value;
  }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

bool is_leap(std::int64_t year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

std::int64_t days_in_month(std::int64_t year, std::int64_t month) {
  constexpr int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

// Days since 1970-01-01 in the proleptic Gregorian calendar; year 0 is 1 BC. Years are counted
// from March, so that the leap day is the last of its year.
std::int64_t days_from_civil(std::int64_t year, std::int64_t month, std::int64_t day) {
  constexpr std::int64_t years_per_cycle = 400;
  constexpr std::int64_t days_per_cycle = 146'097;
  constexpr std::int64_t days_0000_03_01_to_1970 = 719'468;
  const std::int64_t shifted = month <= 2 ? year - 1 : year;
  const std::int64_t cycle =
      (shifted >= 0 ? shifted : shifted - (years_per_cycle - 1)) / years_per_cycle;
  const std::int64_t year_of_cycle = shifted - cycle * years_per_cycle;
  const std::int64_t months_since_march = (month + 9) % 12;
  const std::int64_t day_of_year = (153 * months_since_march + 2) / 5 + day - 1;
  const std::int64_t day_of_cycle =
      year_of_cycle * 365 + year_of_cycle / 4 - year_of_cycle / 100 + day_of_year;
  return cycle * days_per_cycle + day_of_cycle - days_0000_03_01_to_1970;
}

struct CivilDate {
  std::int64_t year = 0;
  std::int64_t month = 0;
  std::int64_t day = 0;
};

CivilDate scan_date(Scanner& scanner) {
  CivilDate date;
  date.year = scanner.number(4, 7);
  scanner.expect("-");
  date.month = scanner.number(2, 2);
  scanner.expect("-");
  date.day = scanner.number(2, 2);
  return date;
}

// The era stands behind the time of a timestamp, so it comes in later. Days since 1970.
Parsed<std::int64_t> days_of(CivilDate date, bool before_christ) {
  if (date.year < 1 || date.month < 1 || date.month > 12) return {malformed};
  const std::int64_t year = before_christ ? 1 - date.year : date.year;
  if (date.day < 1 || date.day > days_in_month(year, date.month)) return {malformed};
  const std::int64_t days = days_from_civil(year, date.month, date.day);
  if (days < date_begin || days >= date_end) return {out_of_range};
  return {ok, days};
}

// HH:MM:SS with up to six decimals. Hours of any size for intervals.
std::int64_t scan_clock(Scanner& scanner, std::size_t hour_digits_max) {
  const std::int64_t hours = scanner.number(2, hour_digits_max);
  scanner.expect(":");
  const std::int64_t minutes = scanner.number(2, 2);
  scanner.expect(":");
  const std::int64_t seconds = scanner.number(2, 2);
  if (minutes > 59 || seconds > 59) scanner.expect("a time");
  return ((hours * 60 + minutes) * 60 + seconds) * micros_per_second + scanner.fraction();
}

// "+05", "-08:30", "+00:19:32": how far local time is ahead of UTC.
std::int64_t scan_zone(Scanner& scanner) {
  const bool west = scanner.peek() == '-';
  scanner.expect(west ? "-" : "+");
  std::int64_t seconds = scanner.number(2, 2) * 3600;
  if (scanner.skip(":")) seconds += scanner.number(2, 2) * 60;
  if (scanner.skip(":")) seconds += scanner.number(2, 2);
  return (west ? -seconds : seconds) * micros_per_second;
}

Parsed<std::int64_t> timestamp_of(std::int64_t days, std::int64_t micros) {
  std::int64_t timestamp = 0;
  if (__builtin_mul_overflow(days, micros_per_day, &timestamp) ||
      __builtin_add_overflow(timestamp, micros, &timestamp) || timestamp == timestamp_infinity ||
      timestamp == -timestamp_infinity) {
    return {out_of_range};
  }
  return {ok, timestamp};
}

// The fields of an interval while they add up, checked at every step.
class IntervalBuilder {
 public:
  void add_months(std::int64_t count, std::int64_t months_each) {
    add(months_, count, months_each);
  }
  void add_days(std::int64_t count, std::int64_t days_each) { add(days_, count, days_each); }
  void add_micros(std::int64_t count, std::int64_t micros_each) {
    add(micros_, count, micros_each);
  }
  Parsed<Interval> finish() const {
    constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
    constexpr std::int64_t least = std::numeric_limits<std::int32_t>::min();
    const auto fits = [](std::int64_t value) { return value >= least && value <= most; };
    if (overflow_ || !fits(months_) || !fits(days_)) return {out_of_range};
    return {ok, {static_cast<std::int32_t>(months_), static_cast<std::int32_t>(days_), micros_}};
  }

 private:
  void add(std::int64_t& to, std::int64_t count, std::int64_t each) {
    std::int64_t product = 0;
    if (__builtin_mul_overflow(count, each, &product) || __builtin_add_overflow(to, product, &to)) {
      overflow_ = true;
    }
  }

  std::int64_t months_ = 0;
  std::int64_t days_ = 0;
  std::int64_t micros_ = 0;
  bool overflow_ = false;
};

// "1 year 2 mons -3 days +04:05:06.789": the sign before a clock belongs to all of it.
Parsed<Interval> scan_postgres_interval(Scanner scanner) {
  IntervalBuilder interval;
  while (!scanner.failed()) {
    const bool negative = scanner.peek() == '-';
    if (negative || scanner.peek() == '+') scanner.skip(negative ? "-" : "+");
    const std::int64_t sign = negative ? -1 : 1;
    const std::int64_t number = scanner.number(1);
    if (scanner.skip(" year")) {
      interval.add_months(sign * number, 12);
    } else if (scanner.skip(" mon")) {
      interval.add_months(sign * number, 1);
    } else if (scanner.skip(" day")) {
      interval.add_days(sign * number, 1);
    } else {
      scanner.expect(":");
      interval.add_micros(sign * number, 3600 * micros_per_second);
      interval.add_micros(sign * scanner.number(2, 2), 60 * micros_per_second);
      scanner.expect(":");
      interval.add_micros(sign * scanner.number(2, 2), micros_per_second);
      interval.add_micros(sign * scanner.fraction(), 1);
      break;
    }
    scanner.skip("s");
    if (scanner.done()) break;
    scanner.expect(" ");
  }
  if (scanner.failed() || !scanner.done()) return {malformed};
  return interval.finish();
}

// "P1Y-2M3DT4H-5M6.7S": every field with a sign of its own.
Parsed<Interval> scan_iso_interval(Scanner scanner) {
  IntervalBuilder interval;
  scanner.expect("P");
  bool in_time = scanner.skip("T");
  do {
    const std::int64_t sign = scanner.skip("-") ? -1 : 1;
    const std::int64_t number = sign * scanner.number(1);
    const std::int64_t fraction = sign * scanner.fraction();
    if (!in_time && scanner.skip("Y")) {
      interval.add_months(number, 12);
    } else if (!in_time && scanner.skip("M")) {
      interval.add_months(number, 1);
    } else if (!in_time && scanner.skip("W")) {
      interval.add_days(number, 7);
    } else if (!in_time && scanner.skip("D")) {
      interval.add_days(number, 1);
    } else if (in_time && scanner.skip("H")) {
      interval.add_micros(number, 3600 * micros_per_second);
    } else if (in_time && scanner.skip("M")) {
      interval.add_micros(number, 60 * micros_per_second);
    } else {
      scanner.expect(in_time ? "S" : "a unit");
      interval.add_micros(number, micros_per_second);
      interval.add_micros(fraction, 1);
    }
    if (!in_time && !scanner.done()) in_time = scanner.skip("T");
  } while (!scanner.failed() && !scanner.done());
  if (scanner.failed()) return {malformed};
  return interval.finish();
}

}  // namespace

Parsed<std::int32_t> date_from_binary(std::int32_t days) {
  if (days == std::numeric_limits<std::int32_t>::max()) return {ok, date_infinity};
  if (days == std::numeric_limits<std::int32_t>::min()) return {ok, -date_infinity};
  const std::int64_t since_1970 = days + days_1970_to_2000;
  if (since_1970 < date_begin || since_1970 >= date_end) return {out_of_range};
  return {ok, static_cast<std::int32_t>(since_1970)};
}

Parsed<std::int64_t> timestamp_from_binary(std::int64_t micros) {
  if (micros == std::numeric_limits<std::int64_t>::max()) return {ok, timestamp_infinity};
  if (micros == std::numeric_limits<std::int64_t>::min()) return {ok, -timestamp_infinity};
  // Nothing before the first day exists, so the sum cannot overflow downwards.
  if (micros < (date_begin - days_1970_to_2000) * micros_per_day) return {out_of_range};
  return timestamp_of(days_1970_to_2000, micros);
}

Parsed<std::int64_t> time_from_binary(std::int64_t micros) {
  if (micros < 0 || micros > micros_per_day) return {malformed};
  return {ok, micros};
}

Parsed<std::int32_t> date_from_text(std::string_view text) {
  if (text == "infinity") return {ok, date_infinity};
  if (text == "-infinity") return {ok, -date_infinity};
  Scanner scanner(text);
  const CivilDate date = scan_date(scanner);
  const bool before_christ = scanner.skip(" BC");
  if (scanner.failed() || !scanner.done()) return {malformed};
  const Parsed<std::int64_t> days = days_of(date, before_christ);
  return {days.fault, static_cast<std::int32_t>(days.value)};
}

Parsed<std::int64_t> time_from_text(std::string_view text) {
  Scanner scanner(text);
  const std::int64_t micros = scan_clock(scanner, 2);
  if (scanner.failed() || !scanner.done()) return {malformed};
  return time_from_binary(micros);
}

Parsed<std::int64_t> timestamp_from_text(std::string_view text, bool with_zone) {
  if (text == "infinity") return {ok, timestamp_infinity};
  if (text == "-infinity") return {ok, -timestamp_infinity};
  Scanner scanner(text);
  const CivilDate date = scan_date(scanner);
  scanner.expect(" ");
  const std::int64_t clock = scan_clock(scanner, 2);
  const std::int64_t zone = with_zone ? scan_zone(scanner) : 0;
  const bool before_christ = scanner.skip(" BC");
  if (scanner.failed() || !scanner.done() || clock > micros_per_day) return {malformed};
  const Parsed<std::int64_t> days = days_of(date, before_christ);
  if (days.fault != ok) return {days.fault};
  return timestamp_of(days.value, clock - zone);
}

Parsed<Interval> interval_from_text(std::string_view text) {
  if (text == "infinity" || text == "-infinity") return {ValueFault::Infinite};
  const Scanner scanner(text);
  return text.starts_with('P') ? scan_iso_interval(scanner) : scan_postgres_interval(scanner);
}

}  // namespace freshet
