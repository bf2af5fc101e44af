#include "postgres/numeric.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace freshet::postgres {
namespace {

// The binary form, from its header and its base-10000 digits.
std::string sent(int weight, unsigned sign, int dscale, const std::vector<int>& groups) {
  std::string bytes;
  ByteWriter writer(bytes);
  writer.big(static_cast<std::int16_t>(groups.size()));
  writer.big(static_cast<std::int16_t>(weight));
  writer.big(static_cast<std::uint16_t>(sign));
  writer.big(static_cast<std::uint16_t>(dscale));
  for (const int group : groups) writer.big(static_cast<std::int16_t>(group));
  return bytes;
}

std::string printed(const std::string& bytes) {
  Arena arena;
  const NumericText numeric = text_from_binary(as_bytes(bytes), arena);
  return numeric.fault == ValueFault::None ? std::string(numeric.text) : "refused";
}

TEST(Numeric, PrintsTheLargestThatExists) {
  EXPECT_EQ(printed(sent(32767, 0, 0, {9999})), "9999" + std::string(32767 * 4, '0'));
  EXPECT_EQ(printed(sent(-4096, 0x4000, 16383, {9990})),
            "-0." + std::string(4095 * 4, '0') + "999");
}

TEST(Numeric, ShowsAsManyDecimalsAsTheScaleSays) {
  EXPECT_EQ(printed(sent(0, 0, 3, {1})), "1.000");
  EXPECT_EQ(printed(sent(0, 0, 0, {})), "0");
  EXPECT_EQ(printed(sent(5, 0, 2, {})), "0.00");
  EXPECT_EQ(printed(sent(1, 0, 1, {0, 12, 5000})), "12.5");  // zero groups in front
}

TEST(Numeric, RefusesWhatPostgresqlDoesNotSend) {
  EXPECT_EQ(printed(sent(0, 0, 1, {1, 1234})), "refused");  // digits beyond its scale
  EXPECT_EQ(printed(sent(0, 0, 0, {10000})), "refused");    // a digit that is none
  EXPECT_EQ(printed(sent(0, 0, 0, {-1})), "refused");       // likewise
  EXPECT_EQ(printed(sent(0, 0x1234, 0, {1})), "refused");   // no such sign
  EXPECT_EQ(printed(sent(0, 0, 0x4000, {1})), "refused");   // no such scale
  EXPECT_EQ(printed(sent(0, 0, 0, {1}).substr(0, 9)), "refused");
  EXPECT_EQ(printed(sent(0, 0, 0, {1}) + "x"), "refused");
  EXPECT_EQ(printed(sent(-32768, 0, 4, {1})), "refused");
}

TEST(Numeric, FitsADecimalOrDoesNotAtEveryPrecision) {
  for (int precision = 1; precision <= 38; ++precision) {
    for (int scale = 0; scale <= precision; ++scale) {
      std::string most(static_cast<std::size_t>(precision - scale), '9');
      if (most.empty()) most = "0";
      if (scale > 0) most += "." + std::string(static_cast<std::size_t>(scale), '9');
      std::string over = "1" + std::string(static_cast<std::size_t>(precision - scale), '0');
      const ScaledInteger fits = scaled_from_text("-" + most, precision, scale);
      EXPECT_EQ(fits.fault, ValueFault::None) << most;
      Int128 power = 1;
      for (int i = 0; i < precision; ++i) power *= 10;
      EXPECT_TRUE(fits.value == 1 - power) << most;
      EXPECT_EQ(scaled_from_text(over, precision, scale).fault, ValueFault::OutOfRange) << over;
      EXPECT_EQ(scaled_from_text(most + (scale > 0 ? "1" : ".1"), precision, scale).fault,
                ValueFault::OutOfRange);
    }
  }
}

TEST(Numeric, OutOfRangeInBinaryIsSeenBeforeItOverflows) {
  const auto fault = [](const std::string& bytes, int precision, int scale) {
    return scaled_from_binary(as_bytes(bytes), precision, scale).fault;
  };
  EXPECT_EQ(fault(sent(32767, 0, 0, {1}), 38, 0), ValueFault::OutOfRange);
  EXPECT_EQ(fault(sent(9, 0, 0, {100}), 38, 0), ValueFault::OutOfRange);  // 10^38
  EXPECT_EQ(fault(sent(9, 0, 0, {99}), 38, 0), ValueFault::None);
  EXPECT_EQ(fault(sent(0, 0, 0, {99}), 38, 37), ValueFault::OutOfRange);
  EXPECT_EQ(fault(sent(-1, 0, 4, {1}), 3, 3), ValueFault::OutOfRange);  // 0.0001
  EXPECT_EQ(fault(sent(-32768, 0, 4, {1}), 3, 3), ValueFault::OutOfRange);
  EXPECT_EQ(fault(sent(32767, 0, 0, std::vector<int>(40, 0)), 3, 3), ValueFault::None);  // zero
}

}  // namespace
}  // namespace freshet::postgres
