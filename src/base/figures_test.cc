#include "base/figures.h"

#include <gtest/gtest.h>

namespace freshet {
namespace {

TEST(Figures, KeepTheDigitsThatMatter) {
  EXPECT_EQ(short_number(850), "850");
  EXPECT_EQ(short_number(12'345), "12.3 k");
  EXPECT_EQ(short_number(48'200'000), "48.2 M");
}

TEST(Figures, NameTimesByTheirLargestUnit) {
  EXPECT_EQ(short_time(0.04), "40 ms");
  EXPECT_EQ(short_time(14 * 60), "14 min");
  EXPECT_EQ(short_time(3 * 3600), "3 h");
  EXPECT_EQ(short_time(4 * 86400), "4 days");
}

TEST(Figures, CountBytesAsPostgresDoes) {
  EXPECT_EQ(short_bytes(0), "0 B");
  EXPECT_EQ(short_bytes(64.0 * 1024 * 1024), "64 MB");
  EXPECT_EQ(short_bytes(1536), "1.5 kB");
  EXPECT_EQ(short_bytes(1e18), "909495 TB");
}

}  // namespace
}  // namespace freshet
