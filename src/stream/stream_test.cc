#include "stream/stream.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "stream/test_stream.h"

namespace freshet::stream {
namespace {

using std::chrono::milliseconds;

class StreamTest : public testing::Test {
 protected:
  void open(StreamOptions options = {}) {
    stream_.reset();
    stream_ = open_or_fail(folder_.path(), options);
    ASSERT_NE(stream_, nullptr);
  }
  std::size_t file_count() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()));
  }

  ScratchFolder folder_;
  std::unique_ptr<Stream> stream_;
};

// Files so small that every transaction begins one.
constexpr StreamOptions tiny_files{.file_bytes_max = 41};

TEST_F(StreamTest, IsEmptyAtFirst) {
  open();
  EXPECT_EQ(stream_->begin(), Offset{0});
  EXPECT_EQ(stream_->durable().offset, Offset{0});
  EXPECT_EQ(stream_->durable().lsn, Lsn{0});
  EXPECT_EQ(read_all(*stream_), Strings{});
}

TEST_F(StreamTest, GivesBackEveryFieldOfATransaction) {
  open();
  const TransactionPart sent{.commit_lsn = {0x16B374D848},
                             .end_lsn = {0x16B374D878},
                             .commit_time = Time(std::chrono::microseconds(-1)),
                             .messages = as_bytes("messages")};
  append_synced(*stream_, sent);
  const auto reader = stream_->read_from({0});
  const auto record = next_now(**reader);
  ASSERT_TRUE(record.ok() && record->has_value());
  const TransactionPart& got = (*record)->part;
  EXPECT_TRUE(got.first && got.last);
  EXPECT_EQ(got.commit_lsn, sent.commit_lsn);
  EXPECT_EQ(got.end_lsn, sent.end_lsn);
  EXPECT_EQ(got.commit_time, sent.commit_time);
  EXPECT_EQ(as_text(got.messages), "messages");
  EXPECT_EQ((*record)->begin, Offset{0});
  EXPECT_EQ((*record)->end, stream_->durable().offset);
  EXPECT_EQ(stream_->durable().lsn, sent.end_lsn);
}

TEST_F(StreamTest, ShowsNothingBeforeItIsSynced) {
  open();
  append(*stream_, transaction(1, "a"));
  EXPECT_EQ(read_all(*stream_), Strings{});
  EXPECT_EQ(stream_->unsynced_bytes(), sizeof(RecordHeader) + 1);
  ASSERT_TRUE(stream_->sync().ok());
  EXPECT_EQ(read_all(*stream_), Strings{"a"});
  EXPECT_EQ(stream_->unsynced_bytes(), 0u);
}

TEST_F(StreamTest, ShowsPartsOnlyWhenTheirTransactionIsComplete) {
  open();
  append_synced(*stream_, first_part(1, "a"));
  EXPECT_EQ(read_all(*stream_), Strings{});
  append_synced(*stream_, last_part(1, "b"));
  EXPECT_EQ(read_all(*stream_), (Strings{"a", "b"}));
}

TEST_F(StreamTest, GoesOnWhereItEndedAfterOpeningAgain) {
  open();
  append_synced(*stream_, transaction(1, "a"));
  const End before = stream_->durable();
  open();
  EXPECT_EQ(stream_->durable().offset, before.offset);
  EXPECT_EQ(stream_->durable().lsn, before.lsn);
  append_synced(*stream_, transaction(2, "b"));
  EXPECT_EQ(read_all(*stream_), (Strings{"a", "b"}));
}

TEST_F(StreamTest, StartsAFileAtATransactionOnly) {
  open(tiny_files);
  append(*stream_, first_part(1, "a"));
  append(*stream_, last_part(1, "b"));
  append_synced(*stream_, transaction(2, "c"));
  append_synced(*stream_, transaction(3, ""));
  EXPECT_EQ(file_count(), 3u);
  EXPECT_EQ(read_all(*stream_), (Strings{"a", "b", "c", ""}));
  open(tiny_files);
  EXPECT_EQ(read_all(*stream_), (Strings{"a", "b", "c", ""}));
}

TEST_F(StreamTest, KnowsItsLsnWhenTheLastFileIsEmpty) {
  open();
  append_synced(*stream_, transaction(1, "a"));
  // The first part of a transaction begins a file, which stays empty when the rest never comes.
  open(tiny_files);
  append(*stream_, first_part(2, "b"));
  open(tiny_files);
  EXPECT_EQ(file_count(), 2u);
  EXPECT_EQ(stream_->durable().lsn, Lsn{150});
  append_synced(*stream_, transaction(2, "c"));
  EXPECT_EQ(read_all(*stream_), (Strings{"a", "c"}));
}

TEST_F(StreamTest, ReadsFromWhereAReaderStopped) {
  open(tiny_files);
  for (std::uint64_t i = 1; i <= 5; ++i) append_synced(*stream_, transaction(i, std::to_string(i)));
  const auto reader = stream_->read_from({0});
  ASSERT_TRUE(next_now(**reader).ok());
  const auto second = next_now(**reader);
  ASSERT_TRUE(second.ok());
  const auto rest = try_read_all(*stream_, (*second)->end);
  ASSERT_TRUE(rest.ok());
  EXPECT_EQ(*rest, (Strings{"3", "4", "5"}));
  EXPECT_EQ(*try_read_all(*stream_, stream_->durable().offset), Strings{});
}

TEST_F(StreamTest, RefusesToReadBehindItsEnd) {
  open();
  append_synced(*stream_, transaction(1, "a"));
  const auto reader = stream_->read_from({stream_->durable().offset.value + 1});
  ASSERT_FALSE(reader.ok());
  EXPECT_EQ(reader.error().fault, Fault::Corruption);
}

TEST_F(StreamTest, RefusesToReadFromTheMiddleOfARecord) {
  open();
  append_synced(*stream_, transaction(1, std::string(500, 'a')));
  const auto messages = try_read_all(*stream_, {100});
  ASSERT_FALSE(messages.ok());
  EXPECT_EQ(messages.error().fault, Fault::Corruption);
}

TEST_F(StreamTest, TakesOneHugeRecordAmongSmallOnes) {
  open({.file_bytes_max = 1 << 20});
  std::string huge(20 << 20, 'h');
  for (std::size_t i = 0; i < huge.size(); i += 1000) huge[i] = static_cast<char>('a' + i % 26);
  append(*stream_, transaction(1, "before"));
  append(*stream_, transaction(2, huge));
  append_synced(*stream_, transaction(3, "behind"));
  const Strings all = {"before", huge, "behind"};
  EXPECT_TRUE(read_all(*stream_) == all);
  open();
  EXPECT_TRUE(read_all(*stream_) == all);
}

TEST_F(StreamTest, RefusesARecordOverTheLimitAndGoesOn) {
  open({.record_bytes_max = 10});
  const auto appended = stream_->append(transaction(1, "12345678901"));
  ASSERT_FALSE(appended.ok());
  EXPECT_EQ(appended.error().sqlstate, "54000");
  append_synced(*stream_, transaction(1, "1234567890"));
  EXPECT_EQ(read_all(*stream_), Strings{"1234567890"});
}

TEST_F(StreamTest, ForgetsAnInterruptedTransactionWhenItComesAgain) {
  open();
  append_synced(*stream_, transaction(1, "a"));
  append_synced(*stream_, first_part(2, "cut short"));
  append_synced(*stream_, transaction(2, "b"));
  EXPECT_EQ(read_all(*stream_), (Strings{"a", "b"}));
  open();
  EXPECT_EQ(read_all(*stream_), (Strings{"a", "b"}));
}

TEST_F(StreamTest, ForgetsAnInterruptedTransactionThatWasWrittenAlready) {
  open();
  append_synced(*stream_, transaction(1, "a"));
  append(*stream_, first_part(2, std::string(3 << 20, 'x')));
  append_synced(*stream_, transaction(2, "b"));
  EXPECT_EQ(read_all(*stream_), (Strings{"a", "b"}));
  open(tiny_files);
  append_synced(*stream_, transaction(3, "c"));
  EXPECT_EQ(read_all(*stream_), (Strings{"a", "b", "c"}));
}

TEST_F(StreamTest, TakesATransactionThatComesAgainBeforeItWasSyncedOnce) {
  open();
  append_synced(*stream_, transaction(1, "a"));
  append(*stream_, transaction(2, "b"));
  // The connection broke; the source sends from durable() on.
  append(*stream_, first_part(2, "b once"));
  append(*stream_, last_part(2, "more"));
  append_synced(*stream_, transaction(3, "c"));
  EXPECT_EQ(read_all(*stream_), (Strings{"a", "b", "c"}));
}

TEST_F(StreamTest, RefusesATransactionFromBeforeItsEnd) {
  open();
  append_synced(*stream_, transaction(2, "b"));
  const auto appended = stream_->append(transaction(1, "a"));
  ASSERT_FALSE(appended.ok());
  EXPECT_EQ(appended.error().fault, Fault::Permanent);
  EXPECT_EQ(appended.error().sqlstate, "55000");
}

TEST_F(StreamTest, RetiresFilesThatLieWhollyBelow) {
  open(tiny_files);
  std::vector<Offset> ends;
  for (std::uint64_t i = 1; i <= 4; ++i) {
    append_synced(*stream_, transaction(i, std::to_string(i)));
    ends.push_back(stream_->durable().offset);
  }
  const std::uint64_t kept = stream_->kept_bytes();
  ASSERT_TRUE(stream_->retire({ends[1].value + 5}).ok());
  EXPECT_EQ(stream_->begin(), ends[1]);
  EXPECT_EQ(file_count(), 2u);
  EXPECT_EQ(read_all(*stream_), (Strings{"3", "4"}));
  EXPECT_EQ(stream_->kept_bytes(), kept / 2);
  open(tiny_files);
  EXPECT_EQ(stream_->begin(), ends[1]);
}

TEST_F(StreamTest, KeepsTheLastFileWhenEverythingIsRetired) {
  open(tiny_files);
  append_synced(*stream_, transaction(1, "a"));
  append_synced(*stream_, transaction(2, "b"));
  ASSERT_TRUE(stream_->retire(stream_->durable().offset).ok());
  EXPECT_EQ(file_count(), 1u);
  open(tiny_files);
  EXPECT_EQ(stream_->durable().lsn, Lsn{250});
  EXPECT_EQ(read_all(*stream_), Strings{"b"});
}

TEST_F(StreamTest, SaysWhenAnOffsetWasRetired) {
  open(tiny_files);
  append_synced(*stream_, transaction(1, "a"));
  append_synced(*stream_, transaction(2, "b"));
  const auto early = stream_->read_from({0});
  ASSERT_TRUE(early.ok());
  ASSERT_TRUE(stream_->retire(stream_->durable().offset).ok());
  const auto late = stream_->read_from({0});
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().sqlstate, "58P01");
  const auto record = next_now(**early);
  ASSERT_FALSE(record.ok());
  EXPECT_EQ(record.error().sqlstate, "58P01");
}

TEST_F(StreamTest, KeepsRecordsReadableAfterTheirFileIsRetired) {
  open(tiny_files);
  append_synced(*stream_, transaction(1, "a"));
  append_synced(*stream_, transaction(2, "b"));
  auto reader = std::move(*stream_->read_from({0}));
  const auto first = next_now(*reader);
  ASSERT_TRUE(first.ok() && first->has_value());
  ASSERT_TRUE(stream_->retire(stream_->durable().offset).ok());
  EXPECT_EQ(as_text((*next_now(*reader))->part.messages), "b");
  stream_.reset();
  reader.reset();
  EXPECT_EQ(as_text((*first)->part.messages), "a");
}

TEST_F(StreamTest, WakesAReaderThatWaits) {
  open();
  auto reader = std::move(*stream_->read_from({0}));
  std::string got;
  std::jthread waiting([&] {
    const auto record = reader->next({}, milliseconds(60'000));
    if (record.ok() && record->has_value()) got = as_text((*record)->part.messages);
  });
  append_synced(*stream_, transaction(1, "a"));
  waiting.join();
  EXPECT_EQ(got, "a");
}

TEST_F(StreamTest, StopsAReaderThatWaits) {
  open();
  auto reader = std::move(*stream_->read_from({0}));
  bool stopped_with_nothing = false;
  std::jthread waiting([&](std::stop_token stop) {
    const auto record = reader->next(stop, milliseconds(60'000));
    stopped_with_nothing = record.ok() && !record->has_value();
  });
  waiting.request_stop();
  waiting.join();
  EXPECT_TRUE(stopped_with_nothing);
}

// What `number` says at any length, so that a reader can tell lost, doubled and mixed-up records.
std::string numbered(std::uint64_t number) {
  return std::to_string(number) + std::string(number * 37 % 400, 'p');
}

TEST_F(StreamTest, ReaderOnAnotherThreadSeesEverythingOnceAndInOrder) {
  open({.file_bytes_max = 64 << 10});
  constexpr std::uint64_t transactions = 20'000;
  std::atomic<std::uint64_t> read_parts{0};
  std::jthread reading([&](std::stop_token stop) {
    auto reader = std::move(*stream_->read_from({0}));
    std::vector<Record> held;  // across blocks and files, as a batch holds them
    while (read_parts < 2 * transactions && !stop.stop_requested()) {
      auto record = reader->next(stop, milliseconds(1000));
      ASSERT_TRUE(record.ok()) << record.error().message;
      if (!record->has_value()) continue;
      held.push_back(std::move(**record));
      ++read_parts;
      if (held.size() < 1000) continue;
      for (std::size_t i = 0; i < held.size(); ++i) {
        const std::uint64_t part = read_parts - held.size() + i;
        ASSERT_EQ(as_text(held[i].part.messages), numbered(part));
        ASSERT_EQ(held[i].part.first, part % 2 == 0);
      }
      ASSERT_TRUE(stream_->retire(held.front().begin).ok());
      held.clear();
    }
  });
  for (std::uint64_t i = 0; i < transactions; ++i) {
    append(*stream_, first_part(i + 1, numbered(2 * i)));
    append(*stream_, last_part(i + 1, numbered(2 * i + 1)));
    if (i % 97 == 0) {
      ASSERT_TRUE(stream_->sync().ok());
    }
  }
  ASSERT_TRUE(stream_->sync().ok());
  reading.join();
  EXPECT_EQ(read_parts, 2 * transactions);
  EXPECT_GT(stream_->begin(), Offset{0});
}

TEST(Stream, RemembersItsLastTransactionBelowIdlePositions) {
  const ScratchFolder folder;
  // Each file holds one record: the last ones nothing but idle positions.
  const StreamOptions options{.file_bytes_max = 1};
  {
    const auto stream = open_or_fail(folder.path(), options);
    EXPECT_FALSE(stream->last_transaction());
    append_synced(*stream, transaction(1, "one"));
    append_synced(*stream, first_part(2, "two, first"));
    append_synced(*stream, last_part(2, "two, last"));
  }
  const TransactionMark second{{200}, Time(std::chrono::microseconds(2))};
  {
    const auto stream = open_or_fail(folder.path(), options);
    EXPECT_EQ(stream->last_transaction(), second);
    append_synced(*stream, transaction(3, ""));
    append_synced(*stream, transaction(4, ""));
    append(*stream, transaction(5, "never synced"));
  }
  const auto stream = open_or_fail(folder.path(), options);
  EXPECT_EQ(stream->last_transaction(), second);
}

TEST(Stream, KnowsNoLastTransactionWhereOnlyIdlePositionsAreKept) {
  const ScratchFolder folder;
  const StreamOptions options{.file_bytes_max = 1};
  {
    const auto stream = open_or_fail(folder.path(), options);
    append_synced(*stream, transaction(1, "one"));
    append_synced(*stream, transaction(2, ""));
    append_synced(*stream, transaction(3, ""));
    EXPECT_TRUE(stream->retire(stream->durable().offset).ok());
  }
  EXPECT_FALSE(open_or_fail(folder.path(), options)->last_transaction());
}

}  // namespace
}  // namespace freshet::stream
