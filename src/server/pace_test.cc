#include "server/pace.h"

#include <gtest/gtest.h>

namespace freshet::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Pace::Clock::time_point start{};

TEST(Pace, IsUnknownBeforeItHasBegun) {
  Pace pace;
  EXPECT_FALSE(pace.per_second(start, 5));
  pace.add(start, 0);
  EXPECT_FALSE(pace.per_second(start, 5));
  EXPECT_DOUBLE_EQ(*pace.per_second(start + milliseconds(100), 5), 50);
}

TEST(Pace, ForgetsWhatWasMoreThanHalfAMinuteAgo) {
  Pace pace;
  for (int second = 0; second <= 60; ++second) pace.add(start + seconds(second), second * 100.0);
  for (int second = 61; second <= 100; ++second) pace.add(start + seconds(second), 6000);
  EXPECT_DOUBLE_EQ(*pace.per_second(start + seconds(100), 6000), 0);
}

TEST(Pace, KeepsFewSamplesOfMany) {
  Pace pace;
  for (int i = 0; i < 1000; ++i) pace.add(start + milliseconds(i), i);
  EXPECT_DOUBLE_EQ(*pace.per_second(start + seconds(1), 1000), 1000);
}

TEST(Pace, IsNegativeWhereANumberGoesDown) {
  Pace pace;
  pace.add(start, 100);
  EXPECT_DOUBLE_EQ(*pace.per_second(start + seconds(2), 60), -20);
}

}  // namespace
}  // namespace freshet::server
