// Golden values: what PostgreSQL 15 prints for the same values.
#include "model/date_time_text.h"

#include <gtest/gtest.h>

#include <limits>

namespace freshet {
namespace {

constexpr std::int64_t second = 1'000'000;
constexpr std::int64_t day = 86'400 * second;

template <auto append, typename Value>
std::string text(Value value) {
  std::string out;
  append(out, value);
  return out;
}

std::string interval(const Interval& value) {
  return text<append_interval>(value);
}
std::string date(std::int32_t days) {
  return text<append_date>(days);
}
std::string time(std::int64_t micros) {
  return text<append_time>(micros);
}
std::string timestamp(std::int64_t micros, std::optional<std::int32_t> offset = std::nullopt) {
  std::string out;
  append_timestamp(out, micros, offset);
  return out;
}

TEST(DateTimeText, WriteIntervalsInStylePostgres) {
  const std::int64_t clock = (4 * 3600 + 5 * 60 + 6) * second + 700'000;
  EXPECT_EQ(interval({14, 3, clock}), "1 year 2 mons 3 days 04:05:06.7");
  EXPECT_EQ(interval({-14, 3, -clock}), "-1 years -2 mons +3 days -04:05:06.7");
  EXPECT_EQ(interval({0, 0, 0}), "00:00:00");
  EXPECT_EQ(interval({0, -1, 0}), "-1 days");
  EXPECT_EQ(interval({0, 0, 100 * 3600 * second}), "100:00:00");
  EXPECT_EQ(interval({0, 0, -second}), "-00:00:01");
  EXPECT_EQ(interval({1, -1, 0}), "1 mon -1 days");
  EXPECT_EQ(interval({-1, 1, second}), "-1 mons +1 day 00:00:01");
  EXPECT_EQ(interval({24, 0, 0}), "2 years");
  EXPECT_EQ(interval({0, 0, 1}), "00:00:00.000001");
}

TEST(DateTimeText, WriteDatesOfEveryEra) {
  EXPECT_EQ(date(19782), "2024-02-29");
  EXPECT_EQ(date(0), "1970-01-01");
  EXPECT_EQ(date(-1), "1969-12-31");
  EXPECT_EQ(date(-719162), "0001-01-01");
  EXPECT_EQ(date(-719163), "0001-12-31 BC");
  EXPECT_EQ(date(-735160), "0044-03-15 BC");
  EXPECT_EQ(date(3672148), "12024-01-01");
  EXPECT_EQ(date(std::numeric_limits<std::int32_t>::max()), "infinity");
  EXPECT_EQ(date(-std::numeric_limits<std::int32_t>::max()), "-infinity");
}

TEST(DateTimeText, WriteTimestampsAndTheirFractions) {
  EXPECT_EQ(timestamp(1'704'164'645'500'000), "2024-01-02 03:04:05.5");
  EXPECT_EQ(timestamp(-1), "1969-12-31 23:59:59.999999");
  EXPECT_EQ(timestamp(-719163 * day), "0001-12-31 00:00:00 BC");
  EXPECT_EQ(timestamp(std::numeric_limits<std::int64_t>::max()), "infinity");
  EXPECT_EQ(time(day), "24:00:00");
  EXPECT_EQ(time(500'000), "00:00:00.5");
}

TEST(DateTimeText, WritesOffsetsFromUtc) {
  EXPECT_EQ(timestamp(0, 0), "1970-01-01 00:00:00+00");
  EXPECT_EQ(timestamp(0, -12'600), "1969-12-31 20:30:00-03:30");
  EXPECT_EQ(timestamp(0, 3'208), "1970-01-01 00:53:28+00:53:28");
  std::string out;
  append_timetz(out, day, -3'600);
  EXPECT_EQ(out, "24:00:00-01");
}

}  // namespace
}  // namespace freshet
