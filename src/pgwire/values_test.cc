// Golden values: what PostgreSQL 15 prints and sends for the same values.
#include "pgwire/values.h"

#include <gtest/gtest.h>

#include <limits>

namespace freshet::pgwire {
namespace {

constexpr std::int64_t second = 1'000'000;
constexpr std::int64_t day = 86'400 * second;

template <typename... Arguments>
std::string text(void (*append)(std::string&, Arguments...), Arguments... arguments) {
  std::string out;
  append(out, arguments...);
  return out;
}

std::string float8(double value) {
  return text<double>(&append_float, value);
}
std::string float4(float value) {
  return text<float>(&append_float, value);
}
std::string in_zone(const char* name, std::int64_t micros) {
  std::string out;
  append_timestamptz(out, micros, *TimeZone::find(name));
  return out;
}
std::string hex(const std::string& bytes) {
  std::string out;
  append_hex(out, bytes);
  return out.substr(2);
}
std::string numeric(std::string_view number) {
  std::string out;
  append_binary_numeric(out, number);
  return hex(out);
}

// A vector of plain values, or of a list over another one.
class FakeVector final : public engine::VectorView {
 public:
  std::vector<std::byte> bytes;
  std::vector<std::string> texts;
  std::vector<bool> nulls;
  std::vector<ListRef> lists;
  std::unique_ptr<FakeVector> inner;

  template <typename T>
  FakeVector& add(const T& value) {
    const auto* from = reinterpret_cast<const std::byte*>(&value);
    bytes.insert(bytes.end(), from, from + sizeof value);
    nulls.push_back(false);
    return *this;
  }
  FakeVector& add_text(std::string value) {
    texts.push_back(std::move(value));
    nulls.push_back(false);
    return *this;
  }
  bool is_null(std::size_t row) const override { return nulls[row]; }
  const void* data() const override { return bytes.data(); }
  std::string_view text(std::size_t row) const override { return texts[row]; }
  ListRef list(std::size_t row) const override { return lists[row]; }
  const VectorView& child(std::size_t) const override { return *inner; }
  std::string print(std::size_t) const override { return "printed"; }
};

using engine::LogicalKind;
using engine::LogicalType;

std::string binary(const LogicalType& type, const FakeVector& vector) {
  std::string out;
  append_binary(out, type, vector, 0, TimeZone());
  return hex(out);
}

TEST(TextValues, WriteFloatsAsPostgresDoes) {
  EXPECT_EQ(float8(1e15), "1e+15");
  EXPECT_EQ(float8(123456789012345.0), "123456789012345");
  EXPECT_EQ(float8(0.0001), "0.0001");
  EXPECT_EQ(float8(0.00001), "1e-05");
  EXPECT_EQ(float8(1e20), "1e+20");
  EXPECT_EQ(float8(0.1), "0.1");
  EXPECT_EQ(float8(-0.0), "-0");
  EXPECT_EQ(float8(1e-300), "1e-300");
  EXPECT_EQ(float8(1.7976931348623157e308), "1.7976931348623157e+308");
  EXPECT_EQ(float8(12345.678), "12345.678");
  EXPECT_EQ(float8(100000), "100000");
  EXPECT_EQ(float8(std::numeric_limits<double>::quiet_NaN()), "NaN");
  EXPECT_EQ(float8(-std::numeric_limits<double>::infinity()), "-Infinity");
  EXPECT_EQ(float4(1e6F), "1e+06");
  EXPECT_EQ(float4(999999), "999999");
  EXPECT_EQ(float4(1234567), "1.234567e+06");
  EXPECT_EQ(float4(0.1F), "0.1");
  EXPECT_EQ(float4(3.4028235e38F), "3.4028235e+38");
  EXPECT_EQ(float4(16777216), "1.6777216e+07");
}

TEST(TextValues, WriteTimestampsInTheSessionsZone) {
  constexpr std::int64_t winter = 1'704'164'645'500'000;
  EXPECT_EQ(in_zone("UTC", winter), "2024-01-02 03:04:05.5+00");
  EXPECT_EQ(in_zone("Europe/Berlin", winter), "2024-01-02 04:04:05.5+01");
  EXPECT_EQ(in_zone("Europe/Berlin", 1'719'889'445 * second), "2024-07-02 05:04:05+02");
  EXPECT_EQ(in_zone("Europe/Berlin", -2'524'521'600 * second), "1890-01-01 00:53:28+00:53:28");
  EXPECT_EQ(in_zone("Europe/Berlin", 2'540'246'400 * second), "2050-07-01 02:00:00+02");
  EXPECT_EQ(in_zone("Europe/Berlin", 2'524'608'000 * second), "2050-01-01 01:00:00+01");
  EXPECT_EQ(in_zone("Asia/Kolkata", 1'704'164'645 * second), "2024-01-02 08:34:05+05:30");
  EXPECT_EQ(in_zone("America/St_Johns", 1'704'164'645 * second), "2024-01-01 23:34:05-03:30");
  EXPECT_EQ(in_zone("../../etc/passwd", 0), "1970-01-01 00:00:00+00");
}

TEST(TimeZone, OfBrokenFilesIsUtc) {
  std::string file;
  for (std::size_t size = 0; size < 60; ++size) {
    file = std::string("TZif2") + std::string(size, '\1');
    EXPECT_EQ(TimeZone::parse(as_bytes(file)).offset(0), 0) << size;
  }
}

TEST(TextValues, WriteDecimalsExactly) {
  const auto decimal = [](Int128 value, int scale) {
    std::string out;
    append_decimal(out, value, scale);
    return out;
  };
  EXPECT_EQ(decimal(123450, 3), "123.450");
  EXPECT_EQ(decimal(-5, 2), "-0.05");
  EXPECT_EQ(decimal(0, 2), "0.00");
  Int128 nines = 1;
  for (int i = 0; i < 38; ++i) nines *= 10;
  EXPECT_EQ(decimal(nines - 1, 0), std::string(38, '9'));
  EXPECT_EQ(decimal(-(nines - 1), 38), "-0." + std::string(38, '9'));
}

TEST(TextValues, QuoteTheElementsOfArrays) {
  std::string out;
  for (const char* element :
       {"a", "b c", "", "NULL", "d\"e", "f\\g", "h,i", "{j}", "plain", "nul"}) {
    append_array_element(out, element);
    out.push_back(';');
  }
  EXPECT_EQ(out, R"(a;"b c";"";"NULL";"d\"e";"f\\g";"h,i";"{j}";plain;nul;)");
}

TEST(TextValues, WriteUuidsFromTheStoredForm) {
  const std::uint64_t halves[2] = {0xbb6d6bb9bd380a11, 0xa0eebc999c0b4ef8 ^ (1ULL << 63)};
  std::string out;
  append_uuid(out, halves);
  EXPECT_EQ(out, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11");
}

TEST(BinaryValues, SendNumericsInGroupsOfFour) {
  EXPECT_EQ(numeric("123.450"), "0002000000000003007b1194");
  EXPECT_EQ(numeric("-0.05"), "0001ffff4000000201f4");
  EXPECT_EQ(numeric("0.00"), "0000000000000002");
  EXPECT_EQ(numeric("10000"), "00010001000000000001");
  EXPECT_EQ(numeric("NaN"), "00000000c0000000");
  EXPECT_EQ(numeric("0.0001234"), "0002ffff0000000700010924");
  EXPECT_EQ(numeric("12345678.9"), "000300010000000104d2162e2328");
}

TEST(BinaryValues, CountDatesAndTimesFrom2000) {
  EXPECT_EQ(binary({.kind = LogicalKind::Date}, FakeVector().add(std::int32_t{19782})), "00002279");
  EXPECT_EQ(binary({.kind = LogicalKind::Date}, FakeVector().add(std::int32_t{2147483647})),
            "7fffffff");
  EXPECT_EQ(binary({.kind = LogicalKind::Timestamp},
                   FakeVector().add(std::int64_t{1'704'164'645'500'000})),
            "0002b0ec851d9460");
  EXPECT_EQ(binary({.kind = LogicalKind::Timestamp},
                   FakeVector().add(-std::numeric_limits<std::int64_t>::max())),
            "8000000000000000");
  EXPECT_EQ(binary({.kind = LogicalKind::Interval}, FakeVector().add(Interval{14, 3, 14706700000})),
            "000000036c966ee0000000030000000e");
}

TEST(BinaryValues, SendArraysWithTheirNulls) {
  FakeVector list;
  list.nulls = {false};
  list.lists = {{0, 3}};
  list.inner = std::make_unique<FakeVector>();
  list.inner->add(std::int32_t{1}).add(std::int32_t{0}).add(std::int32_t{3});
  list.inner->nulls = {false, true, false};
  const LogicalType type{.kind = LogicalKind::List, .children = {{.kind = LogicalKind::Int32}}};
  EXPECT_EQ(binary(type, list),
            "00000001000000010000001700000003000000010000000400000001ffffffff0000000400000003");
  list.lists = {{0, 0}};
  EXPECT_EQ(binary(type, list), "000000000000000000000017");
}

TEST(BinaryValues, MarkJsonbWithItsVersion) {
  EXPECT_EQ(binary({.kind = LogicalKind::Text, .alias = "JSONB"}, FakeVector().add_text("{}")),
            "017b7d");
  EXPECT_EQ(
      binary({.kind = LogicalKind::Text, .alias = "NUMERIC_TEXT"}, FakeVector().add_text("NaN")),
      "00000000c0000000");
}

}  // namespace
}  // namespace freshet::pgwire
