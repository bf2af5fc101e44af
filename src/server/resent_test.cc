#include "server/resent.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "source/continuity.h"

namespace freshet::server {
namespace {

constexpr Lsn end{5000};

Time at(std::int64_t micros) {
  return Time(std::chrono::microseconds(micros));
}

// A transaction in one part that ends ten bytes behind the start of its commit record.
TransactionPart transaction(std::uint64_t commit_lsn, Bytes messages = {}) {
  return {.commit_lsn = {commit_lsn},
          .end_lsn = {commit_lsn + 10},
          .commit_time = at(static_cast<std::int64_t>(commit_lsn)),
          .messages = messages};
}

stream::TransactionMark mark(std::uint64_t commit_lsn) {
  return {{commit_lsn}, at(static_cast<std::int64_t>(commit_lsn))};
}

Resent resent(std::uint64_t from, std::optional<stream::TransactionMark> last) {
  return Resent({.source = "shop", .from = {from}, .end = end, .last = last});
}

void expect_stale(const auto& result, std::string_view part) {
  ASSERT_FALSE(result.ok());
  EXPECT_TRUE(source::is_stale(result.error()));
  EXPECT_EQ(result.error().sqlstate, "55S04");
  EXPECT_NE(result.error().message.find(part), std::string::npos) << result.error().message;
}

TEST(Resent, IsNothingWhereTheSlotStandsAtTheEnd) {
  Resent all = resent(5000, mark(4000));
  EXPECT_TRUE(all.over());
  EXPECT_FALSE(all.take(transaction(5000)).value());
}

TEST(Resent, AreTheTransactionsUpToTheLastOne) {
  Resent all = resent(3000, mark(4990));
  EXPECT_TRUE(all.take(transaction(3000)).value());
  EXPECT_TRUE(all.take(transaction(4000)).value());
  EXPECT_FALSE(all.over());
  EXPECT_TRUE(all.take(transaction(4990)).value());
  EXPECT_TRUE(all.over());
  EXPECT_FALSE(all.take(transaction(5000)).value());
}

TEST(Resent, MayEndWithPositionsOnly) {
  Resent all = resent(3000, mark(4000));
  EXPECT_TRUE(all.pass({3500}).ok());
  EXPECT_TRUE(all.take(transaction(4000)).value());
  EXPECT_TRUE(all.pass({4600}).ok());
  EXPECT_FALSE(all.over());
  EXPECT_TRUE(all.pass({5000}).ok());
  EXPECT_TRUE(all.over());
}

TEST(Resent, MayBeNothingWhenTheSlotIsBeyondTheLastTransaction) {
  Resent all = resent(4500, mark(4000));
  EXPECT_TRUE(all.pass({5200}).ok());
  EXPECT_TRUE(all.over());
}

TEST(Resent, TellAnotherHistoryByAMissingTransaction) {
  Resent passed = resent(3000, mark(4000));
  expect_stale(passed.pass({4001}), "no longer has the transaction");
  Resent committed = resent(3000, mark(4000));
  expect_stale(committed.take(transaction(5600)), "no longer has the transaction");
}

TEST(Resent, TellAnotherHistoryByATransactionNeverReceived) {
  Resent later = resent(3000, mark(4000));
  EXPECT_TRUE(later.take(transaction(4000)).value());
  expect_stale(later.take(transaction(4500)), "did not have before");
  Resent none_before = resent(3000, std::nullopt);
  expect_stale(none_before.take(transaction(3000)), "did not have before");
}

TEST(Resent, AreRefusedWhereNothingIsKnownOfThem) {
  Resent all({.source = "shop", .from = {3000}, .end = end, .begin = {3500}, .last = {}});
  expect_stale(all.take(transaction(3000)), "too far");
  Resent none({.source = "shop", .from = {5000}, .end = end, .begin = {5000}, .last = {}});
  EXPECT_FALSE(none.take(transaction(5000)).value());
}

TEST(Resent, TellAnotherHistoryByTheTimeOfACommit) {
  Resent all = resent(3000, mark(4000));
  TransactionPart other = transaction(4000);
  other.commit_time += std::chrono::microseconds(1);
  expect_stale(all.take(other), "did not have before");
}

TEST(Resent, ComeInParts) {
  Resent all = resent(3000, mark(4000));
  TransactionPart part = transaction(4000);
  part.last = false;
  part.end_lsn = {};
  EXPECT_TRUE(all.take(part).value());
  part.first = false;
  EXPECT_TRUE(all.take(part).value());
  part.last = true;
  part.end_lsn = {4010};
  EXPECT_TRUE(all.take(part).value());
  part = transaction(5100);
  part.last = false;
  EXPECT_FALSE(all.take(part).value());
  part.first = false;
  EXPECT_FALSE(all.take(part).value());
}

std::string messages_of(std::initializer_list<std::string_view> messages) {
  std::string all;
  ByteWriter writer(all);
  for (const std::string_view message : messages) {
    writer.little(static_cast<std::uint32_t>(message.size()));
    writer.bytes(as_bytes(message));
  }
  return all;
}

std::vector<std::string> texts(Bytes messages) {
  std::vector<std::string> all;
  ByteReader reader(messages);
  while (reader.ok() && !reader.at_end()) {
    all.emplace_back(as_text(reader.bytes(reader.little<std::uint32_t>())));
  }
  return all;
}

// A server describes a table once per connection.
TEST(Resent, LeaveTheirDescriptionsToTheFirstThatIsKept) {
  Resent all = resent(3000, mark(4000));
  const std::string skipped =
      messages_of({"Begin", "R1111old", "I1111row", "R1111new", "R2222two"});
  EXPECT_TRUE(all.take(transaction(4000, as_bytes(skipped))).value());
  const std::string kept = messages_of({"Begin", "I1111row", "Commit"});
  const TransactionPart part = transaction(5100, as_bytes(kept));
  EXPECT_FALSE(all.take(part).value());
  std::vector<std::string> messages = texts(all.with_descriptions(part).messages);
  ASSERT_EQ(messages.size(), 5U);
  EXPECT_EQ(messages[0], "Begin");
  std::sort(messages.begin() + 1, messages.begin() + 3);
  EXPECT_EQ(messages[1], "R1111new");
  EXPECT_EQ(messages[2], "R2222two");
  EXPECT_EQ(messages[3], "I1111row");
  EXPECT_EQ(messages[4], "Commit");
  EXPECT_EQ(texts(all.with_descriptions(part).messages).size(), 3U);
}

}  // namespace
}  // namespace freshet::server
