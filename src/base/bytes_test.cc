#include "base/bytes.h"

#include <gtest/gtest.h>

namespace freshet {
namespace {

TEST(ByteReader, ReadsWhatByteWriterWrote) {
  std::string bytes;
  ByteWriter writer(bytes);
  writer.big(std::uint16_t{0x0102});
  writer.big(std::int64_t{-2});
  writer.little(std::uint32_t{0x01020304});
  writer.text_with_nul("name");
  writer.bytes(as_bytes("rest"));
  EXPECT_EQ(bytes.substr(0, 2), std::string("\x01\x02"));
  EXPECT_EQ(bytes.substr(10, 4), std::string("\x04\x03\x02\x01"));

  ByteReader reader(as_bytes(bytes));
  EXPECT_EQ(reader.big<std::uint16_t>(), 0x0102);
  EXPECT_EQ(reader.big<std::int64_t>(), -2);
  EXPECT_EQ(reader.little<std::uint32_t>(), 0x01020304U);
  EXPECT_EQ(reader.text_to_nul(), "name");
  EXPECT_EQ(as_text(reader.rest()), "rest");
  EXPECT_TRUE(reader.ok());
  EXPECT_TRUE(reader.at_end());
}

TEST(ByteReader, ReturnsZeroPastTheEndAndSaysSo) {
  ByteReader reader(as_bytes("abc"));
  EXPECT_EQ(reader.big<std::uint32_t>(), 0U);
  EXPECT_FALSE(reader.ok());
  EXPECT_TRUE(reader.at_end());
  EXPECT_EQ(reader.big<std::uint8_t>(), 0U);  // an overrun is for good
}

TEST(ByteReader, ALengthBeyondTheEndTakesNothing) {
  ByteReader reader(as_bytes("abc"));
  EXPECT_TRUE(reader.bytes(4).empty());
  EXPECT_FALSE(reader.ok());
  ByteReader huge(as_bytes("abc"));
  EXPECT_TRUE(huge.bytes(static_cast<std::size_t>(-1)).empty());
  EXPECT_FALSE(huge.ok());
}

TEST(ByteReader, ATextWithoutItsZeroByteIsAnOverrun) {
  const std::string bytes("one\0two", 7);
  ByteReader reader(as_bytes(bytes));
  EXPECT_EQ(reader.text_to_nul(), "one");
  EXPECT_EQ(reader.text_to_nul(), "");
  EXPECT_FALSE(reader.ok());
}

TEST(ByteReader, OfNothingIsAtItsEndAndFine) {
  ByteReader reader({});
  EXPECT_TRUE(reader.at_end());
  EXPECT_TRUE(reader.rest().empty());
  EXPECT_TRUE(reader.ok());
  EXPECT_EQ(reader.text_to_nul(), "");
  EXPECT_FALSE(reader.ok());
}

}  // namespace
}  // namespace freshet
