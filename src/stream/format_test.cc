#include "stream/format.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include "stream/test_stream.h"

namespace freshet::stream {
namespace {

// The file of docs/formats/stream.md, byte by byte. If this test fails, the format has changed:
// old data folders can no longer be read, and the version has to go up.
constexpr std::string_view example =
    // The file header.
    "46 52 53 54 52 45 41 4d "  // magic
    "01 00 00 00 28 00 00 00 "  // version, bytes of this header
    "e8 03 00 00 00 00 00 00 "  // first offset
    "00 37 6b 01 00 00 00 00 "  // LSN before
    "f1 ca ea 3e 99 3b 50 76 "  // checksum
    // The header of the record at offset 1000.
    "3e 01 53 cd ef 51 f0 c8 "  // checksum of this header
    "09 00 00 00 03 00 00 00 "  // bytes of messages, flags
    "48 37 6b 01 00 00 00 00 "  // commit LSN
    "78 37 6b 01 00 00 00 00 "  // end LSN
    "40 12 4b d4 ad 49 06 00 "  // commit time
    "e8 03 00 00 00 00 00 00 "  // synced
    "43 35 7c 77 74 54 fc 93 "  // checksum of the messages
    // The messages.
    "05 00 00 00 68 65 6c 6c 6f ";

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) text += fmt::format("{:02x} ", static_cast<unsigned char>(c));
  return text;
}

TEST(Format, WritesTheExampleOfItsPage) {
  const TransactionPart part{.commit_lsn = *parse_lsn("0/16B3748"),
                             .end_lsn = *parse_lsn("0/16B3778"),
                             .commit_time = Time(std::chrono::microseconds(1769860800123456)),
                             .messages = as_bytes(std::string_view("\5\0\0\0hello", 9))};
  const FileHeader file = file_header({1000}, *parse_lsn("0/16B3700"));
  const RecordHeader record = record_header(part, {1000}, {1000});
  std::string bytes;
  for (const Bytes piece : {bytes_of(file), bytes_of(record), part.messages}) {
    bytes += as_text(piece);
  }
  EXPECT_EQ(hex(bytes), example);
}

// The same bytes the other way, through a whole stream.
TEST(Format, ReadsTheExampleOfItsPage) {
  std::string bytes;
  for (std::size_t at = 0; at < example.size(); at += 3) {
    bytes += static_cast<char>(std::stoi(std::string(example.substr(at, 2)), nullptr, 16));
  }
  const ScratchFolder folder;
  write_bytes(folder.path() / "00000000000000001000.log", bytes);
  const auto stream = open_or_fail(folder.path());
  EXPECT_EQ(stream->begin(), Offset{1000});
  EXPECT_EQ(stream->durable().offset, Offset{1065});
  EXPECT_EQ(to_string(stream->durable().lsn), "0/16B3778");
  EXPECT_EQ(read_all(*stream), Strings{std::string("\5\0\0\0hello", 9)});
}

TEST(Format, NamesFilesByTheirFirstOffset) {
  EXPECT_EQ(file_name({1000}), "00000000000000001000.log");
  EXPECT_EQ(file_name({~0ull}), "18446744073709551615.log");
  EXPECT_EQ(parse_file_name("00000000000000001000.log"), Offset{1000});
  EXPECT_EQ(parse_file_name("18446744073709551615.log"), Offset{~0ull});
}

TEST(Format, TakesNoOtherNames) {
  for (const char* name : {"", "1000.log", "00000000000000001000.log.new", "00000000000000001000",
                           "0000000000000000100x.log", "18446744073709551616.log",
                           "-0000000000000001000.log", "99999999999999999999.log"}) {
    EXPECT_EQ(parse_file_name(name), std::nullopt) << name;
  }
}

TEST(Format, MakesARecordValidAtItsOwnOffsetOnly) {
  const TransactionPart part = transaction(1, "messages");
  const RecordHeader header = record_header(part, {1000}, {0});
  EXPECT_TRUE(parse_record_header(bytes_of(header).data(), {1000}).has_value());
  EXPECT_FALSE(parse_record_header(bytes_of(header).data(), {1001}).has_value());
  EXPECT_TRUE(messages_match(header, part.messages, {1000}));
  EXPECT_FALSE(messages_match(header, part.messages, {1001}));
}

}  // namespace
}  // namespace freshet::stream
