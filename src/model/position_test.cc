#include "model/position.h"

#include <gtest/gtest.h>

namespace freshet {
namespace {

TEST(Lsn, ReadsBackWhatItPrints) {
  for (const std::uint64_t value : {0ULL, 1ULL, 0x16B374D848ULL, 0xffffffffffffffffULL}) {
    EXPECT_EQ(parse_lsn(to_string(Lsn{value})), Lsn{value});
  }
  EXPECT_EQ(to_string(Lsn{0x16'B374'D848}), "16/B374D848");
  EXPECT_EQ(parse_lsn("16/b374d848"), Lsn{0x16'B374'D848});
}

TEST(Lsn, IsNothingElse) {
  for (const std::string_view text : {"", "/", "0", "0/", "/0", "0/0/0", " 0/0", "0/0 ", "x/0",
                                      "0x1/0", "-1/0", "+1/0", "123456789/0", "0/123456789"}) {
    EXPECT_EQ(parse_lsn(text), std::nullopt) << text;
  }
}

TEST(Lsn, OrdersByPosition) {
  EXPECT_LT(Lsn{0xffff'ffff}, Lsn{0x1'0000'0000});
}

TEST(Progress, HoldsWhileEachPositionIsAtMostTheOneAbove) {
  EXPECT_TRUE((Progress{Lsn{3}, Lsn{2}, Lsn{2}}.holds()));
  EXPECT_FALSE((Progress{Lsn{3}, Lsn{4}, Lsn{2}}.holds()));
  EXPECT_FALSE((Progress{Lsn{3}, Lsn{2}, Lsn{3}}.holds()));
}

}  // namespace
}  // namespace freshet
