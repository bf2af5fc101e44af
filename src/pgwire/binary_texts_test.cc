#include "pgwire/binary_texts.h"

#include <gtest/gtest.h>

#include <random>

namespace freshet::pgwire {
namespace {

constexpr std::uint32_t inet = 869, cidr = 650, pg_lsn = 3220, xid8 = 5069, money = 790,
                        timetz = 1266, int4range = 3904, numrange = 3906, int4multirange = 4451;

std::string bytes_of(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

// The text, or what is wrong.
std::string text(std::uint32_t type_oid, std::string_view hex) {
  const std::string bytes = bytes_of(hex);
  ByteReader reader(as_bytes(bytes));
  const auto found = text_of_binary(type_oid, reader);
  if (!found.ok()) return found.error().sqlstate;
  return found->value_or("not of these");
}

// As PostgreSQL 15 sends them.
TEST(BinaryTexts, AreWhatPostgreSQLPrints) {
  EXPECT_EQ(text(inet, "022000040a000001"), "10.0.0.1");
  EXPECT_EQ(text(inet, "020800040a000001"), "10.0.0.1/8");
  EXPECT_EQ(text(cidr,
                 "038001"
                 "10"
                 "20010db8000000000000000000000001"),
            "2001:db8::1/128");
  EXPECT_EQ(text(pg_lsn, "00000016b374d848"), "16/B374D848");
  EXPECT_EQ(text(xid8, "ffffffffffffffff"), "18446744073709551615");
  EXPECT_EQ(text(timetz, "0000000a0eebb000ffffaf24"), "12:00:00+05:45");
  EXPECT_EQ(text(int4range,
                 "020000000400000001"
                 "0000000400000005"),
            "[1,5)");
  EXPECT_EQ(text(int4range, "01"), "empty");
  EXPECT_EQ(text(int4range, "18"), "(,)");
  EXPECT_EQ(text(numrange,
                 "0c"
                 "00000008"
                 "00000000c0000000"),
            "(,NaN]");
  EXPECT_EQ(text(int4multirange, "00000000"), "{}");
  EXPECT_EQ(text(int4multirange,
                 "00000001"
                 "00000011"
                 "020000000400000001"
                 "0000000400000005"),
            "{[1,5)}");
  EXPECT_EQ(text(25, "61"), "not of these");
}

TEST(BinaryTexts, RefuseWhatIsNoValue) {
  EXPECT_EQ(text(inet, "052000040a000001"), "22P03");
  EXPECT_EQ(text(inet, "022100040a000001"), "22P03");
  EXPECT_EQ(text(inet, "0220001000"), "22P03");
  EXPECT_EQ(text(timetz, "ffffffffffffffff00000000"), "22P03");
  EXPECT_EQ(text(int4range, "0200000004000000"), "22P03");
  EXPECT_EQ(text(int4range, "02ffffffff"), "22P03");
  EXPECT_EQ(text(int4multirange, "7fffffff"), "22P03");
  EXPECT_EQ(text(money, "0000000000000001"), "0A000");
}

TEST(BinaryTexts, SurviveAnything) {
  std::mt19937 random(11);
  for (int i = 0; i < 200'000; ++i) {
    std::string bytes;
    for (auto size = random() % 40; size > 0; --size) {
      bytes.push_back(static_cast<char>(random() % 3 == 0 ? random() % 256 : random() % 5));
    }
    for (const std::uint32_t type : {inet, timetz, int4range, numrange, int4multirange}) {
      ByteReader reader(as_bytes(bytes));
      static_cast<void>(text_of_binary(type, reader));
    }
  }
}

}  // namespace
}  // namespace freshet::pgwire
