#include "model/date_time.h"

#include <gtest/gtest.h>

#include <limits>

namespace freshet {
namespace {

constexpr std::int64_t second = 1'000'000;

TEST(DateTime, EveryDayFollowsTheOneBefore) {
  // 800 years around the beginning of our era, both of its ends included.
  std::int32_t expected = date_from_text("0400-01-01 BC").value;
  for (int year = -399; year <= 400; ++year) {
    const int shown = year > 0 ? year : 1 - year;
    for (int month = 1; month <= 12; ++month) {
      for (int day = 1; day <= 31; ++day) {
        char text[32];
        std::snprintf(text, sizeof text, "%04d-%02d-%02d%s", shown, month, day,
                      year > 0 ? "" : " BC");
        const auto date = date_from_text(text);
        if (date.fault != ValueFault::None) {
          EXPECT_GT(day, 28) << text;
          continue;
        }
        ASSERT_EQ(date.value, expected++) << text;
      }
    }
  }
  EXPECT_EQ(expected, date_from_text("0401-01-01").value);
}

TEST(DateTime, ZonesOfAnyPrecisionAreTakenOff) {
  const auto utc = [](std::string_view text) { return timestamp_from_text(text, true).value; };
  EXPECT_EQ(utc("1970-01-01 00:00:00+00"), 0);
  EXPECT_EQ(utc("1970-01-01 05:30:00+05:30"), 0);
  EXPECT_EQ(utc("1969-12-31 16:00:00-08"), 0);
  EXPECT_EQ(utc("1970-01-01 00:19:32.5+00:19:32"), second / 2);
}

TEST(DateTime, IntervalsKeepTheSignOfEveryField) {
  const auto check = [](std::string_view text, Interval expected) {
    const auto parsed = interval_from_text(text);
    EXPECT_EQ(parsed.fault, ValueFault::None) << text;
    EXPECT_EQ(parsed.value.months, expected.months) << text;
    EXPECT_EQ(parsed.value.days, expected.days) << text;
    EXPECT_EQ(parsed.value.micros, expected.micros) << text;
  };
  check("-1 years -2 mons +3 days -04:05:06.7", {-14, 3, -(14706 * second + 700'000)});
  check("P-1Y-2M3DT-4H-5M-6.7S", {-14, 3, -(14706 * second + 700'000)});
  check("PT-0.000001S", {0, 0, -1});
  check("PT0S", {0, 0, 0});
  check("P1W", {0, 7, 0});
  check("-2562047788:00:54.775808", {0, 0, std::numeric_limits<std::int64_t>::min()});
  check("PT-2562047788H-54.775808S", {0, 0, std::numeric_limits<std::int64_t>::min()});
}

TEST(DateTime, IntervalsThatOverflowAreRefused) {
  for (const std::string_view text :
       {"2562047788:00:54.775808", "178956971 years", "2147483648 days", "-2147483649 days",
        "PT999999999999999999H", "P2147483640Y", "999999999999999999 years"}) {
    EXPECT_EQ(interval_from_text(text).fault, ValueFault::OutOfRange) << text;
  }
}

TEST(DateTime, TheEdgesOfBinaryTimesAreKept) {
  constexpr std::int64_t first_micros = -211'813'488'000'000'000;  // 4714-11-24 BC
  EXPECT_EQ(timestamp_from_binary(first_micros).fault, ValueFault::None);
  EXPECT_EQ(timestamp_from_binary(first_micros - 1).fault, ValueFault::OutOfRange);
  EXPECT_EQ(timestamp_from_binary(std::numeric_limits<std::int64_t>::max() - 1).fault,
            ValueFault::OutOfRange);
  EXPECT_EQ(time_from_binary(86'400 * second).value, 86'400 * second);
  EXPECT_EQ(time_from_binary(86'400 * second + 1).fault, ValueFault::Malformed);
  EXPECT_EQ(time_from_binary(-1).fault, ValueFault::Malformed);
}

}  // namespace
}  // namespace freshet
