#include "server/wal_rate.h"

#include <gtest/gtest.h>

namespace freshet::server {
namespace {

using namespace std::chrono_literals;

constexpr WalRate::Clock::time_point start{1h};

TEST(WalRate, TakesTwoLooks) {
  WalRate rate;
  EXPECT_FALSE(rate.bytes_per_second());
  rate.see(start, {1000});
  EXPECT_FALSE(rate.bytes_per_second());
  rate.see(start + 2s, {3000});
  EXPECT_DOUBLE_EQ(rate.bytes_per_second().value(), 1000);
}

TEST(WalRate, ComesSlowlyToANewRate) {
  WalRate rate;
  rate.see(start, {1000});
  rate.see(start + 1s, {1100});
  for (int second = 2; second <= 10; ++second) {
    rate.see(start + second * 1s, {1100 + 1000U * static_cast<unsigned>(second - 1)});
  }
  EXPECT_GT(rate.bytes_per_second().value(), 100);
  EXPECT_LT(rate.bytes_per_second().value(), 500);
  rate.see(start + 300s, {10100 + 290'000});
  EXPECT_NEAR(rate.bytes_per_second().value(), 1000, 1);
}

TEST(WalRate, BeginsAnewWhenThePositionGoesBack) {
  WalRate rate;
  rate.see(start, {5000});
  rate.see(start + 1s, {6000});
  rate.see(start + 2s, {500});
  EXPECT_FALSE(rate.bytes_per_second());
  rate.see(start + 3s, {550});
  EXPECT_DOUBLE_EQ(rate.bytes_per_second().value(), 50);
}

}  // namespace
}  // namespace freshet::server
