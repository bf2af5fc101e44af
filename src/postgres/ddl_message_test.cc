#include "postgres/ddl_message.h"

#include <gtest/gtest.h>

#include <string>

namespace freshet::postgres {
namespace {

std::string message(std::string_view prefix, std::string_view content) {
  std::string bytes;
  ByteWriter writer(bytes);
  writer.big(std::uint8_t{1});
  writer.big(std::uint64_t{90});
  bytes += prefix;
  bytes += '\0';
  writer.big(static_cast<std::uint32_t>(content.size()));
  bytes += content;
  return bytes;
}

std::optional<DdlMessage> parsed(const std::string& bytes) {
  ByteReader reader(as_bytes(bytes));
  return parse_ddl_message(reader);
}

TEST(DdlMessage, NamesATableThatWasRewrittenOrNone) {
  const auto rewrite = parsed(message("freshet.ddl", "rewrite 16384"));
  ASSERT_TRUE(rewrite);
  EXPECT_EQ(rewrite->rewritten, TableId{16384});
  for (const char* content : {"ALTER TABLE", "", "rewrite ", "rewrite 1x", "rewrite 99999999999"}) {
    const auto told = parsed(message("freshet.ddl", content));
    ASSERT_TRUE(told) << content;
    EXPECT_FALSE(told->rewritten) << content;
  }
}

TEST(DdlMessage, LeavesOtherMessagesAndHalfOnesAlone) {
  EXPECT_FALSE(parsed(message("outbox", "rewrite 16384")));
  EXPECT_FALSE(parsed(message("freshet.ddl2", "rewrite 16384")));
  const std::string whole = message("freshet.ddl", "rewrite 16384");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(parsed(whole.substr(0, size))) << size;
  }
}

}  // namespace
}  // namespace freshet::postgres
