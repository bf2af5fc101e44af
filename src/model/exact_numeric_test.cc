#include "model/exact_numeric.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace freshet {
namespace {

std::string form(std::string_view text) {
  std::string bytes;
  EXPECT_TRUE(append_exact(bytes, text)) << text;
  return bytes;
}
std::string again(std::string_view text) {
  return exact_text(form(text));
}
Exact exact(std::string_view text) {
  return to_exact(form(text)).value();
}
std::string shown(std::optional<Exact> number) {
  if (!number) return "none";
  std::string bytes;
  append_exact(bytes, *number);
  return exact_text(bytes);
}

TEST(ExactNumeric, KeepsEveryDigitAndNoZerosAtTheEnd) {
  for (const char* text :
       {"0", "1", "-1", "10", "1.5", "-0.001", "123456789.987654321", "NaN", "Infinity",
        "-Infinity", "100000000000000000000000000000000000000000000000000",
        "0.00000000000000000001", "12345678901234567890123456789012345678901234567890.123456789"}) {
    EXPECT_EQ(again(text), text);
  }
  const std::vector<std::pair<const char*, const char*>> others = {
      {"1.50", "1.5"}, {"-3.00", "-3"},      {"0.000", "0"}, {"-0", "0"},   {"007", "7"},
      {"1e3", "1000"}, {"1.5E-3", "0.0015"}, {"+2", "2"},    {".5", "0.5"}, {"5.", "5"}};
  for (const auto& [text, other] : others) EXPECT_EQ(again(text), other) << text;
  EXPECT_EQ(again("1" + std::string(131071, '0')).size(), 131072U);
}

TEST(ExactNumeric, RefusesWhatIsNoNumber) {
  for (const char* text : {"", "-", ".", "1x", "1.2.3", "1e", "1e9999999", "--1", "nan", " 1"}) {
    std::string bytes;
    EXPECT_FALSE(append_exact(bytes, text)) << text;
    EXPECT_EQ(bytes, "");
  }
}

TEST(ExactNumeric, SortsAsTheNumbersDo) {
  const std::vector<const char*> ascending = {
      "-Infinity", "-1e30", "-100", "-20",  "-3.25", "-3.2", "-1",  "-0.5", "-0.05",    "-0.0499",
      "0",         "1e-20", "0.04", "0.05", "0.5",   "0.51", "1",   "1.4",  "1.44",     "1.49",
      "1.5",       "2",     "9.9",  "10",   "20",    "99",   "100", "1e30", "Infinity", "NaN"};
  for (std::size_t i = 0; i + 1 < ascending.size(); ++i) {
    EXPECT_LT(form(ascending[i]), form(ascending[i + 1])) << ascending[i];
  }
  EXPECT_EQ(form("1.5"), form("1.500"));
  EXPECT_EQ(form("0"), form("-0.00"));
}

TEST(ExactNumeric, ComputesExactlyAsFarAs38DigitsReach) {
  EXPECT_EQ(shown(add(exact("0.1"), exact("0.2"))), "0.3");
  EXPECT_EQ(shown(add(exact("1e30"), exact("0.0000001"))),
            "1000000000000000000000000000000.0000001");
  EXPECT_EQ(shown(add(exact("1e30"), exact("1e-20"))), "none");
  EXPECT_EQ(shown(add(exact("99999999999999999999999999999999999999"), exact("1"))), "none");
  EXPECT_EQ(shown(multiply(exact("1.1"), exact("-2.50"))), "-2.75");
  EXPECT_EQ(shown(multiply(exact("1e18"), exact("1e18"))), "1" + std::string(36, '0'));
  EXPECT_EQ(shown(multiply(exact("1e20"), exact("1e20"))), "none");
  EXPECT_EQ(shown(remainder(exact("-7.5"), exact("2"))), "-1.5");
  EXPECT_FALSE(to_exact(form("NaN")));
  EXPECT_FALSE(to_exact(form("1e38")));
  EXPECT_FALSE(to_exact(form("1e-39")));
}

// What PostgreSQL 15 gives, without the zeros at the end.
TEST(ExactNumeric, DividesAsPostgresDoes) {
  const std::vector<std::pair<std::pair<const char*, const char*>, const char*>> quotients = {
      {{"1", "4"}, "0.25"},
      {{"10", "-2"}, "-5"},
      {{"0", "3"}, "0"},
      {{"1.49", "2"}, "0.745"},
      {{"1e30", "1e10"}, "100000000000000000000"},
      {{"7", "0.5"}, "14"}};
  for (const auto& [pair, quotient] : quotients) {
    EXPECT_EQ(shown(divide(exact(pair.first), exact(pair.second))), quotient) << pair.first;
  }
  EXPECT_TRUE(shown(divide(exact("1"), exact("3"))).starts_with("0.3333333333333333"));
  EXPECT_TRUE(shown(divide(exact("2"), exact("3"))).ends_with("67"));
  EXPECT_EQ(shown(divide(exact("1"), exact("99999999999999999999999999999999999999"))), "none");
}

TEST(ExactNumeric, RoundsHalvesAwayFromZero) {
  EXPECT_EQ(shown(with_scale(exact("2.5"), 0)), "3");
  EXPECT_EQ(shown(with_scale(exact("-2.5"), 0)), "-3");
  EXPECT_EQ(shown(with_scale(exact("2.4999"), 0)), "2");
  EXPECT_EQ(shown(with_scale(exact("1.445"), 2)), "1.45");
  EXPECT_EQ(shown(with_scale(exact("1250"), -2)), "1300");
  EXPECT_EQ(shown(with_scale(exact("0"), 38)), "0");
  EXPECT_EQ(shown(with_scale(exact("12345678901234567890"), 20)), "none");
}

}  // namespace
}  // namespace freshet
