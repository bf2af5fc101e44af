#include "pgwire/messages.h"

#include <gtest/gtest.h>

#include "pgwire/parameters.h"

namespace freshet::pgwire {
namespace {

struct Sample {
  char type;
  std::string body;
};

std::string bytes(std::initializer_list<int> values) {
  std::string out;
  for (const int value : values) out.push_back(static_cast<char>(value));
  return out;
}

std::string startup_packet() {
  return bytes({0, 3, 0, 0}) + std::string("user\0me\0database\0freshet\0\0", 26);
}

// One of each kind that has a body of its own.
std::vector<Sample> samples() {
  return {
      {'Q', std::string("select 1\0", 9)},
      {'P', std::string("s\0select $1\0", 12) + bytes({0, 1, 0, 0, 0, 23})},
      {'B', std::string("p\0s\0", 4) +
                bytes({0, 1, 0, 1, 0, 2, 0, 0, 0, 4, 0, 0, 0, 7, 255, 255, 255, 255, 0, 1, 0, 0})},
      {'D', std::string("Ss\0", 3)},
      {'E', std::string("p\0", 2) + bytes({0, 0, 0, 5})},
      {'C', std::string("Pp\0", 3)},
  };
}

Result<Message> parse_text(char type, std::string_view body) {
  return parse_message(type, as_bytes(body));
}

TEST(Messages, AreReadWhole) {
  const auto all = samples();
  EXPECT_EQ(std::get<SimpleQuery>(*parse_text('Q', all[0].body)).sql, "select 1");
  const auto parse = std::get<Parse>(*parse_text('P', all[1].body));
  EXPECT_EQ(parse.statement + "/" + parse.sql, "s/select $1");
  EXPECT_EQ(parse.types, (std::vector<std::uint32_t>{23}));
  const auto bind = std::get<Bind>(*parse_text('B', all[2].body));
  ASSERT_EQ(bind.parameters.size(), 2U);
  EXPECT_EQ(*bind.parameters[0], bytes({0, 0, 0, 7}));
  EXPECT_FALSE(bind.parameters[1].has_value());
  EXPECT_EQ(bind.parameter_formats.at(1), Format::Binary);
  EXPECT_EQ(std::get<Describe>(*parse_text('D', all[3].body)).target, Target::Statement);
  EXPECT_EQ(std::get<Execute>(*parse_text('E', all[4].body)).rows_max, 5U);
  EXPECT_EQ(std::get<CloseMessage>(*parse_text('C', all[5].body)).name, "p");
  EXPECT_TRUE(std::holds_alternative<Sync>(*parse_text('S', "")));
}

TEST(Messages, CutAtAnyByteAreViolations) {
  for (const Sample& sample : samples()) {
    for (std::size_t size = 0; size < sample.body.size(); ++size) {
      const auto cut = parse_text(sample.type, std::string_view(sample.body).substr(0, size));
      ASSERT_FALSE(cut.ok()) << sample.type << " " << size;
      EXPECT_EQ(cut.error().sqlstate, "08P01");
    }
    EXPECT_FALSE(parse_text(sample.type, sample.body + "x").ok()) << sample.type;
  }
}

TEST(Messages, WithLyingLengthsAreViolations) {
  EXPECT_FALSE(parse_text('P', std::string("\0\0", 2) + bytes({255, 255})).ok());
  EXPECT_FALSE(
      parse_text('B', std::string("\0\0", 2) + bytes({0, 0, 0, 1, 127, 255, 255, 255})).ok());
  EXPECT_FALSE(parse_text('B', std::string("\0\0", 2) + bytes({0, 1, 0, 7, 0, 0, 0, 0})).ok());
  EXPECT_FALSE(parse_text('?', "").ok());
}

TEST(Startup, KnowsUserAndDatabase) {
  const auto packet = parse_first(as_bytes(startup_packet()));
  ASSERT_TRUE(packet.ok());
  EXPECT_EQ(std::get<Startup>(*packet).user(), "me");
  EXPECT_EQ(std::get<Startup>(*packet).database(), "freshet");
}

TEST(Startup, CutAtAnyByteIsAViolation) {
  const std::string whole = startup_packet();
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(parse_first(as_bytes(std::string_view(whole).substr(0, size))).ok()) << size;
  EXPECT_FALSE(parse_first(as_bytes(bytes({0, 2, 0, 0}))).ok());
}

TEST(Startup, TellsCancelAndEncryptionApart) {
  EXPECT_TRUE(
      std::holds_alternative<EncryptionRequest>(*parse_first(as_bytes(bytes({4, 210, 22, 47})))));
  const auto cancel = parse_first(as_bytes(bytes({4, 210, 22, 46, 0, 0, 0, 9, 0, 0, 0, 8})));
  EXPECT_EQ(std::get<CancelRequest>(*cancel).process_id, 9);
  EXPECT_EQ(std::get<CancelRequest>(*cancel).secret, 8);
}

std::string as_string(const Result<query::Parameter>& value) {
  if (!value.ok()) return value.error().sqlstate;
  if (const auto* text = std::get_if<std::string>(&*value)) return *text;
  if (const auto* number = std::get_if<std::int64_t>(&*value)) return std::to_string(*number);
  if (const auto* truth = std::get_if<bool>(&*value)) return *truth ? "true" : "false";
  if (const auto* real = std::get_if<double>(&*value)) return std::to_string(*real);
  if (const auto* blob = std::get_if<query::Blob>(&*value)) return blob->bytes;
  return "null";
}

std::string from_text(std::uint32_t oid, std::string_view text) {
  return as_string(decode_parameter(oid, Format::Text, text));
}
std::string from_binary(std::uint32_t oid, std::initializer_list<int> value) {
  return as_string(decode_parameter(oid, Format::Binary, bytes(value)));
}

TEST(Parameters, ReadText) {
  EXPECT_EQ(from_text(23, " 42 "), "42");
  EXPECT_EQ(from_text(21, "40000"), "22003");
  EXPECT_EQ(from_text(20, "9223372036854775808"), "22003");
  EXPECT_EQ(from_text(23, "x"), "22P02");
  EXPECT_EQ(from_text(16, "T"), "true");
  EXPECT_EQ(from_text(16, "o"), "22P02");
  EXPECT_EQ(from_text(17, "\\x4142"), "AB");
  EXPECT_EQ(from_text(17, "a\\101\\\\"), "aA\\");
  EXPECT_EQ(from_text(1007, "{1,NULL}"), "['1', NULL]");
  EXPECT_EQ(from_text(1700, "1.50"), "1.50");
  EXPECT_EQ(from_text(1700, "0.12345678901"), "22003");
}

TEST(Parameters, ReadBinary) {
  EXPECT_EQ(from_binary(23, {255, 255, 255, 254}), "-2");
  EXPECT_EQ(from_binary(23, {0, 1}), "22P03");
  EXPECT_EQ(from_binary(1700, {0, 2, 0, 0, 0, 0, 0, 3, 0, 0x7b, 0x11, 0x94}), "123.450");
  EXPECT_EQ(from_binary(1700, {0, 1, 255, 255, 0x40, 0, 0, 2, 1, 0xf4}), "-0.05");
  EXPECT_EQ(from_binary(1700, {0, 1, 0, 1, 0, 0, 0, 0, 0, 1}), "10000");
  EXPECT_EQ(from_binary(1082, {0, 0, 0x22, 0x79}), "2024-02-29");
  EXPECT_EQ(from_binary(1114, {0, 2, 0xb0, 0xec, 0x85, 0x1d, 0x94, 0x60}), "2024-01-02 03:04:05.5");
  EXPECT_EQ(from_binary(1007, {0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 23, 0,   0,   0,   2,
                               0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 7,  255, 255, 255, 255}),
            "['7', NULL]");
  EXPECT_EQ(from_binary(3802, {1, '{', '}'}), "{}");
  EXPECT_EQ(from_binary(3802, {2, '{', '}'}), "22P03");
}

}  // namespace
}  // namespace freshet::pgwire
