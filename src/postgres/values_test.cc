#include "postgres/values.h"
#include "postgres/utf8.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "postgres/numeric.h"

namespace freshet::postgres {
namespace {

// A value as PostgreSQL sent it, asked for by golden/capture_values.py.
struct Golden {
  std::uint32_t type_oid;
  std::int32_t typmod;
  std::string_view text;    // text form, in hexadecimal
  std::string_view binary;  // binary form, in hexadecimal
  std::string_view held;    // the value in the layout of model/type.h, as PostgreSQL computed it
};
constexpr Golden goldens[] = {
#include "postgres/golden/values.inc"
};

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

std::string to_hex(std::string_view bytes) {
  std::string hex;
  for (const char c : bytes) hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return hex;
}

std::string unscaled(const Column& column, std::size_t row) {
  switch (width(column.type())) {
    case 2: return fmt::format("{}", column.get<std::int16_t>(row));
    case 4: return fmt::format("{}", column.get<std::int32_t>(row));
    case 8: return fmt::format("{}", column.get<std::int64_t>(row));
    default: break;
  }
  return fmt::format("{}", column.get<Int128>(row));
}

// A row in the notation of Golden::held.
std::string held(const Column& column, std::size_t row) {
  if (column.state(row) == ValueState::Null) return "null";
  switch (column.type().kind) {
    case TypeKind::Bool: return fmt::format("{}", column.get<std::uint8_t>(row));
    case TypeKind::Int16: return fmt::format("{}", column.get<std::int16_t>(row));
    case TypeKind::Int32:
    case TypeKind::Date: return fmt::format("{}", column.get<std::int32_t>(row));
    case TypeKind::Int64:
    case TypeKind::Time:
    case TypeKind::Timestamp:
    case TypeKind::TimestampTz: return fmt::format("{}", column.get<std::int64_t>(row));
    case TypeKind::Float32: return fmt::format("{:08x}", column.get<std::uint32_t>(row));
    case TypeKind::Float64: return fmt::format("{:016x}", column.get<std::uint64_t>(row));
    case TypeKind::Decimal: return unscaled(column, row);
    case TypeKind::Numeric: return std::string(column.text(row));
    case TypeKind::Text:
    case TypeKind::Json:
    case TypeKind::Jsonb:
    case TypeKind::Bytes: return to_hex(column.text(row));
    case TypeKind::Uuid: {
      std::uint64_t halves[2];
      std::memcpy(halves, column.at(row), sizeof halves);
      return fmt::format("{:016x}{:016x}", halves[1] ^ (std::uint64_t{1} << 63), halves[0]);
    }
    case TypeKind::Interval: {
      const auto interval = column.get<Interval>(row);
      return fmt::format("{} {} {}", interval.months, interval.days, interval.micros);
    }
    case TypeKind::List: {
      std::string elements;
      const auto list = column.get<ListRef>(row);
      for (std::uint64_t i = 0; i < list.size; ++i) {
        if (i > 0) elements += ',';
        elements += held(column.child(), static_cast<std::size_t>(list.offset + i));
      }
      return elements;
    }
  }
  return {};
}

// One value decoded into a fresh column: how it is held, or the SQLSTATE and the message.
std::string decoded(std::uint32_t type_oid, std::int32_t typmod, Format format,
                    std::string_view value) {
  Arena arena;
  Column column(type_for(type_oid, typmod));
  const Result<> result = append_value(column, type_oid, format, as_bytes(value), arena);
  if (!result.ok()) {
    EXPECT_EQ(column.size(), 0U);
    if (column.type().kind == TypeKind::List) {
      EXPECT_EQ(column.child().size(), 0U);
    }
    return result.error().sqlstate + " " + result.error().message;
  }
  EXPECT_EQ(column.size(), 1U);
  return held(column, 0);
}

std::string text(std::uint32_t type_oid, std::string_view value) {
  return decoded(type_oid, -1, Format::Text, value);
}
std::string binary(std::uint32_t type_oid, std::string_view hex) {
  return decoded(type_oid, -1, Format::Binary, from_hex(hex));
}

constexpr std::uint32_t int4_array = 1007;
constexpr std::uint32_t text_array = 1009;
constexpr std::uint32_t inet = 869;
constexpr std::uint32_t one_char = 18;

TEST(Values, AreWhatPostgresqlSaysTheyAreInBothFormats) {
  EXPECT_GT(std::size(goldens), 500U);
  for (const Golden& golden : goldens) {
    SCOPED_TRACE(fmt::format("{} typmod {}: {}", type_name(golden.type_oid), golden.typmod,
                             from_hex(golden.text)));
    const std::string as_text = from_hex(golden.text);
    const std::string as_binary = from_hex(golden.binary);
    EXPECT_EQ(decoded(golden.type_oid, golden.typmod, Format::Text, as_text), golden.held);
    EXPECT_EQ(decoded(golden.type_oid, golden.typmod, Format::Binary, as_binary), golden.held);
  }
}

TEST(Values, BinaryFormsAreRefusedAtEveryOtherLength) {
  for (const Golden& golden : goldens) {
    const TypeKind kind = type_for(golden.type_oid, golden.typmod).kind;
    if (kind == TypeKind::Text || kind == TypeKind::Json || kind == TypeKind::Bytes ||
        kind == TypeKind::Jsonb) {
      continue;  // any length is a value
    }
    const std::string whole = from_hex(golden.binary);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      // A copy of exactly that size, so that a sanitizer sees any read beyond it.
      const std::vector<char> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      const std::string result = decoded(golden.type_oid, golden.typmod, Format::Binary,
                                         std::string_view(cut.data(), cut.size()));
      EXPECT_EQ(result.substr(0, 6), "22P03 ") << type_name(golden.type_oid) << " " << size;
    }
    EXPECT_EQ(decoded(golden.type_oid, golden.typmod, Format::Binary, whole + '\0').substr(0, 6),
              "22P03 ");
  }
}

TEST(Values, TextThatIsNoUtf8IsRefusedInEveryTypeThatHoldsText) {
  Arena arena;
  for (const std::uint32_t type : {oid::text, oid::varchar, oid::json, oid::jsonb}) {
    for (const Format format : {Format::Text, Format::Binary}) {
      Column column(type_for(type, -1));
      const std::string version = type == oid::jsonb && format == Format::Binary ? "\x01" : "";
      const std::string bad = version + "\"ab\xff\"";
      const Result<> refused = append_value(column, type, format, as_bytes(bad), arena);
      ASSERT_FALSE(refused.ok());
      EXPECT_EQ(refused.error().sqlstate, "22021");
      EXPECT_TRUE(is_utf8(as_bytes(refused.error().detail)));
      EXPECT_EQ(column.size(), 0u);
      EXPECT_TRUE(append_value(column, type, format, as_bytes(version + "\"ä€😀\""), arena).ok());
    }
  }
  Column bytes(type_for(oid::bytea, -1));
  EXPECT_TRUE(append_value(bytes, oid::bytea, Format::Binary, as_bytes("\xff"), arena).ok());
}

TEST(Values, MalformedTextsAreRefused) {
  const std::pair<std::uint32_t, std::vector<std::string_view>> cases[] = {
      {oid::boolean, {"", "true", "T", "1"}},
      {oid::int2, {"", "32768", "-32769", "1 ", " 1", "+1", "0x1", "1.0"}},
      {oid::int4, {"", "2147483648", "a"}},
      {oid::int8, {"9223372036854775808", "-"}},
      {oid::float4, {"", "1e99", "one", "1,5"}},
      {oid::float8, {"", "1e999", "0x1p3", "1.5x"}},
      {oid::numeric, {"", "-", ".", "1.", ".5", "1e5", "nan", "--1", "1.2.3", "+1"}},
      {oid::date,
       {"", "2024-02-30", "2023-02-29", "2024-13-01", "2024-00-01", "2024-01-00", "24-01-01",
        "2024-1-1", "2024-01-01 AD", "0000-01-01", "2024-01-01T00:00:00"}},
      {oid::time,
       {"", "24:00:01", "12:60:00", "12:00:60", "12:00", "-01:00:00", "12:00:00.",
        "12:00:00.1234567"}},
      {oid::timestamp,
       {"", "2024-01-01", "2024-01-01 25:00:00", "2024-01-01 00:00:00+00", "2024-01-01T00:00:00"}},
      {oid::timestamptz, {"2024-01-01 00:00:00", "2024-01-01 00:00:00 UTC"}},
      {oid::interval, {"", "1 year ", "1", "P", "PT", "P1", "P1S", "1 hour", "1 mons 2"}},
      {oid::uuid,
       {"", "550e8400e29b41d4a716446655440000", "550e8400-e29b-41d4-a716-44665544000g",
        "550e8400-e29b-41d4-a716_446655440000"}},
      {oid::bytea, {"\\x0", "\\xzz", "\\", "\\01", "\\400", "\\089"}},
      {int4_array, {"", "{", "}", "{1", "{1,}", "{,1}", "{1}}", "{1},", "{1 }", "{x}", "{1}{2}"}},
      {text_array, {"{\"a}", "{\"a\\", "{\"a\"b}", "{a\"b}", "{a{b}", "{a\\}"}},
  };
  for (const auto& [type_oid, values] : cases) {
    for (const std::string_view value : values) {
      EXPECT_EQ(text(type_oid, value), "22P03 malformed text " + type_name(type_oid)) << value;
    }
  }
}

TEST(Values, DecimalsThatDoNotFitAreRefusedNotRounded) {
  const std::int32_t two_decimals = ((5 << 16) | 2) + 4;  // numeric(5,2)
  const auto read = [&](std::string_view value) {
    return decoded(oid::numeric, two_decimals, Format::Text, value);
  };
  EXPECT_EQ(read("999.99"), "99999");
  EXPECT_EQ(read("1.5"), "150");       // fewer decimals than the column has
  EXPECT_EQ(read("1.500000"), "150");  // more, but nothing in them
  EXPECT_EQ(read("000001.5"), "150");
  EXPECT_EQ(read("1000"), "22003 numeric value does not fit decimal(5,2)");
  EXPECT_EQ(read("1.005"), "22003 numeric value does not fit decimal(5,2)");
  EXPECT_EQ(read("NaN"), "22003 NaN does not fit decimal(5,2)");
  EXPECT_EQ(read("-Infinity"), "22003 infinity does not fit decimal(5,2)");
  const auto send = [&](std::string_view hex) {
    return decoded(oid::numeric, two_decimals, Format::Binary, from_hex(hex));
  };
  EXPECT_EQ(send("000100000000000003e7"), "99900");
  EXPECT_EQ(send("00010001000000000001"), "22003 numeric value does not fit decimal(5,2)");
  EXPECT_EQ(send("00020000000000030001000a"), "22003 numeric value does not fit decimal(5,2)");
  EXPECT_EQ(send("0000000"
                 "0c0000000"),
            "22003 NaN does not fit decimal(5,2)");
  EXPECT_EQ(send("00000000d0000020"), "22003 infinity does not fit decimal(5,2)");
}

TEST(Values, TimesBeyondTheEngineAreRefusedNotClamped) {
  const std::string message = "22003 timestamp is beyond 294247-01-10, the last day that fits";
  EXPECT_EQ(text(oid::timestamp, "294276-12-31 23:59:59.999999"), message);
  EXPECT_EQ(text(oid::timestamp, "294247-01-10 04:00:54.775807"), message);  // means infinity here
  EXPECT_EQ(text(oid::timestamp, "294247-01-10 04:00:54.775806"), "9223372036854775806");
  EXPECT_EQ(binary(oid::timestamp, "7ffcaeaa4a7a7fff"), message);
  EXPECT_EQ(text(oid::date, "5874898-01-01"), "22003 date value does not fit date");
  EXPECT_EQ(binary(oid::date, "7ffffffe"), "22003 date value does not fit date");
  EXPECT_EQ(binary(oid::date, "80000001"), "22003 date value does not fit date");
}

TEST(Values, InfiniteIntervalsAreRefused) {
  EXPECT_EQ(text(oid::interval, "infinity"), "22003 infinity does not fit interval");
  EXPECT_EQ(text(oid::interval, "-infinity"), "22003 infinity does not fit interval");
  EXPECT_EQ(binary(oid::interval, "7fffffffffffffff7fffffff7fffffff"),
            "22003 infinity does not fit interval");
  EXPECT_EQ(binary(oid::interval, "80000000000000008000000080000000"),
            "22003 infinity does not fit interval");
  EXPECT_EQ(binary(oid::interval, "7fffffffffffffff7fffffff7ffffffe"),
            "2147483646 2147483647 9223372036854775807");
}

TEST(Values, ArraysThatAListCannotHoldAreRefused) {
  EXPECT_EQ(text(int4_array, "{{1,2},{3,4}}"), "0A000 int4[] value has more than one dimension");
  EXPECT_EQ(text(int4_array, "[0:1]={1,2}"), "0A000 int4[] value does not start at index 1");
  EXPECT_EQ(text(int4_array, "[0:1][1:2]={{1,2},{3,4}}"),
            "0A000 int4[] value has more than one dimension");
  const std::string two = "0000000100000002";  // size, first index
  EXPECT_EQ(binary(int4_array, "000000020000000000000017" + two + two + "0000000400000001"),
            "0A000 int4[] value has more than one dimension");
  EXPECT_EQ(binary(int4_array, "000000010000000000000017" + two + "0000000400000001"),
            "0A000 int4[] value does not start at index 1");
}

TEST(Values, ArraysOfAnotherElementTypeAreMalformed) {
  EXPECT_EQ(binary(int4_array,
                   "000000010000000000000014"
                   "0000000100000001"
                   "0000000400000001"),
            "22P03 malformed binary int4[]");
}

TEST(Values, AFailedArrayLeavesEarlierListsAlone) {
  Arena arena;
  Column column(type_for(int4_array, -1));
  const auto add = [&](std::string_view value) {
    return append_value(column, int4_array, Format::Text, as_bytes(value), arena).ok();
  };
  EXPECT_TRUE(add("{1,2}"));
  EXPECT_FALSE(add("{3,4,x}"));
  EXPECT_TRUE(add("{5}"));
  EXPECT_EQ(column.size(), 2U);
  EXPECT_EQ(held(column, 0), "1,2");
  EXPECT_EQ(held(column, 1), "5");
}

TEST(Values, OfTypesWeDoNotKnowAreTheirText) {
  EXPECT_EQ(text(inet, "192.168.0.1/24"), to_hex("192.168.0.1/24"));
  EXPECT_EQ(text(123456, ""), "");
  EXPECT_EQ(binary(inet, "02180004c0a80001"), "0A000 binary value of type inet");
}

TEST(Values, OneByteCharsBeyondAsciiAreTheSameInBothFormats) {
  EXPECT_EQ(binary(one_char, "e9"), to_hex("\\351"));
  EXPECT_EQ(decoded(one_char, -1, Format::Text, "\xe9"), to_hex("\\351"));  // servers before 16
  EXPECT_EQ(text(one_char, "\\351"), to_hex("\\351"));
  EXPECT_EQ(binary(one_char, "00"), "");
}

TEST(Values, StringsPointIntoTheirPayload) {
  Arena arena;
  Column column({TypeKind::Text});
  const std::string payload = "stays where it is";
  ASSERT_TRUE(append_value(column, oid::text, Format::Binary, as_bytes(payload), arena).ok());
  EXPECT_EQ(column.text(0).data(), payload.data());
}

TEST(Values, ErrorsShowTheBeginningOfTheValue) {
  Arena arena;
  Column column({TypeKind::Int32});
  const std::string value(100, 'x');
  const Result<> result = append_value(column, oid::int4, Format::Text, as_bytes(value), arena);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().detail, "The value begins \"" + std::string(64, 'x') + "\" ….");
  EXPECT_EQ(result.error().fault, Fault::Permanent);
}

}  // namespace
}  // namespace freshet::postgres
