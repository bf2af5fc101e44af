#include "stream/recover.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "stream/test_stream.h"

namespace freshet::stream {
namespace {

constexpr std::size_t file_header_bytes = sizeof(FileHeader);

// Writes a stream once, then opens altered copies of its last file.
class Recovery : public testing::Test {
 protected:
  // Three transactions, the second in two parts. A sync behind each, or one behind all.
  void write_three(bool sync_each, std::size_t messages_bytes = 30) {
    auto stream = open_or_fail(folder_.path());
    const auto put = [&](const TransactionPart& part, char letter) {
      sent_.emplace_back(messages_bytes, letter);
      TransactionPart filled = part;
      filled.messages = as_bytes(sent_.back());
      append(*stream, filled);
      ends_.push_back(ends_.back() + sizeof(RecordHeader) + messages_bytes);
      if (sync_each && part.last) {
        ASSERT_TRUE(stream->sync().ok());
      }
    };
    put(transaction(1, ""), 'a');
    put(first_part(2, ""), 'b');
    put(last_part(2, ""), 'c');
    put(transaction(3, ""), 'd');
    ASSERT_TRUE(stream->sync().ok());
    stream.reset();
    file_ = folder_.path() / file_name({0});
    bytes_ = read_bytes(file_);
    ASSERT_EQ(bytes_.size(), ends_.back());
  }

  // What a reader must see when only the first `size` bytes of the file are good.
  Strings whole_transactions(std::size_t size) const {
    std::size_t records = 0;
    while (records < sent_.size() && ends_[records + 1] <= size) ++records;
    if (records == 2) records = 1;  // the transaction in two parts is not complete
    return {sent_.begin(), sent_.begin() + static_cast<std::ptrdiff_t>(records)};
  }

  Result<std::unique_ptr<Stream>> open_altered(const std::string& bytes) {
    write_bytes(file_, bytes);
    return Stream::open(folder_.path(), {});
  }

  // Opens, reads, appends, opens again and reads again.
  void expect_recovers(const std::string& bytes, Strings messages) {
    auto stream = open_altered(bytes);
    ASSERT_TRUE(stream.ok()) << stream.error().message << " " << stream.error().detail;
    ASSERT_EQ(read_all(**stream), messages);
    append_synced(**stream, transaction(9, "appended"));
    messages.emplace_back("appended");
    ASSERT_EQ(read_all(**stream), messages);
    stream->reset();
    ASSERT_EQ(read_all(*open_or_fail(folder_.path())), messages);
  }

  void expect_corruption(const std::string& bytes) {
    const auto stream = open_altered(bytes);
    ASSERT_FALSE(stream.ok());
    EXPECT_EQ(stream.error().fault, Fault::Corruption) << stream.error().message;
    EXPECT_EQ(stream.error().sqlstate, "XX001");
    EXPECT_TRUE(read_bytes(file_) == bytes) << "a damaged file must be left as it is";
  }

  ScratchFolder folder_;
  fs::path file_;
  std::string bytes_;
  Strings sent_;
  std::vector<std::size_t> ends_{file_header_bytes};  // positions behind the records
};

TEST_F(Recovery, CutsATailTornAtAnyByte) {
  write_three(true);
  for (std::size_t size = file_header_bytes; size <= bytes_.size(); ++size) {
    SCOPED_TRACE(size);
    expect_recovers(bytes_.substr(0, size), whole_transactions(size));
  }
}

TEST_F(Recovery, CutsATailOfZerosFromAnyByteOn) {
  write_three(true);
  for (std::size_t size = file_header_bytes; size <= bytes_.size(); ++size) {
    SCOPED_TRACE(size);
    std::string zeros_behind = bytes_.substr(0, size);
    zeros_behind.resize(bytes_.size() + 700, '\0');
    // The byte before may be a zero of the record itself.
    const auto last_byte = static_cast<std::size_t>(
        std::mismatch(bytes_.begin(), bytes_.end(), zeros_behind.begin()).first - bytes_.begin());
    expect_recovers(zeros_behind, whole_transactions(last_byte));
  }
}

TEST_F(Recovery, CutsATailOfGarbageOfAnyLength) {
  write_three(true);
  std::string garbage;
  for (int i = 0; i < 200; ++i) {
    SCOPED_TRACE(i);
    expect_recovers(bytes_ + garbage, sent_);
    garbage += static_cast<char>(i * 151 + 7);
  }
}

TEST_F(Recovery, RefusesAFlippedBitInAnySyncedRecordButTheLast) {
  write_three(true);
  for (std::size_t at = file_header_bytes; at < ends_[3]; ++at) {
    SCOPED_TRACE(at);
    std::string flipped = bytes_;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << at % 8));
    expect_corruption(flipped);
  }
}

TEST_F(Recovery, RefusesAFlippedBitBeforeAnotherRecordOfTheSameSync) {
  write_three(false);
  for (std::size_t at = file_header_bytes; at < ends_[3]; ++at) {
    SCOPED_TRACE(at);
    std::string flipped = bytes_;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << at % 8));
    expect_corruption(flipped);
  }
}

TEST_F(Recovery, TakesAFlippedBitInTheLastRecordForATornTail) {
  write_three(true);
  for (std::size_t at = ends_[3]; at < ends_[4]; ++at) {
    SCOPED_TRACE(at);
    std::string flipped = bytes_;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << at % 8));
    expect_recovers(flipped, whole_transactions(at));
  }
}

TEST_F(Recovery, RefusesAFlippedBitInTheFileHeader) {
  write_three(true);
  for (std::size_t at = 0; at < file_header_bytes; ++at) {
    SCOPED_TRACE(at);
    std::string flipped = bytes_;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << at % 8));
    const auto stream = open_altered(flipped);
    ASSERT_FALSE(stream.ok());
    const bool in_version = at >= 8 && at < 12;
    EXPECT_EQ(stream.error().sqlstate, in_version ? "0A000" : "XX001");
  }
}

TEST_F(Recovery, RefusesAFileShorterThanItsHeader) {
  write_three(true);
  for (std::size_t size = 0; size < file_header_bytes; ++size) {
    expect_corruption(bytes_.substr(0, size));
  }
}

TEST_F(Recovery, NamesTheVersionItDoesNotKnow) {
  write_three(true);
  bytes_[8] = 2;
  const auto stream = open_altered(bytes_);
  ASSERT_FALSE(stream.ok());
  EXPECT_EQ(stream.error().fault, Fault::Permanent);
  EXPECT_NE(stream.error().message.find("format version 2, this program knows 1"),
            std::string::npos)
      << stream.error().message;
  EXPECT_NE(stream.error().hint, "");
}

TEST_F(Recovery, CutsWhatOneLastWriteLeftWithAMissingSector) {
  write_three(false, 2000);
  // Bytes 1024 to 1535 are of the first record; the others reached the disk.
  std::fill_n(bytes_.begin() + 1024, 512, '\0');
  expect_recovers(bytes_, {});
}

TEST_F(Recovery, RefusesAMissingSectorInWhatWasSynced) {
  write_three(true, 2000);
  std::fill_n(bytes_.begin() + 1024, 512, '\0');
  expect_corruption(bytes_);
}

TEST_F(Recovery, CutsATransactionWhoseLastPartIsMissing) {
  auto stream = open_or_fail(folder_.path());
  append_synced(*stream, transaction(1, "a"));
  // Large enough to be written without a sync.
  append(*stream, first_part(2, std::string(2 << 20, 'b')));
  stream.reset();
  stream = open_or_fail(folder_.path());
  EXPECT_EQ(read_all(*stream), Strings{"a"});
  EXPECT_EQ(fs::file_size(folder_.path() / file_name({0})),
            file_header_bytes + stream->durable().offset.value);
}

TEST_F(Recovery, RefusesARecordOverTheLimit) {
  write_three(true);
  const auto stream = Stream::open(folder_.path(), {.record_bytes_max = 29});
  ASSERT_FALSE(stream.ok());
  EXPECT_EQ(stream.error().fault, Fault::Corruption);
}

TEST_F(Recovery, RemovesAFileThatWasOnlyBegun) {
  write_three(true);
  const fs::path begun = folder_.path() / (file_name({ends_.back()}) + ".new");
  write_bytes(begun, "half a head");
  expect_recovers(bytes_, sent_);
  EXPECT_FALSE(fs::exists(begun));
}

TEST_F(Recovery, LeavesForeignFilesAlone) {
  write_three(true);
  const fs::path note = folder_.path() / "note.new";
  write_bytes(note, "mine");
  expect_recovers(bytes_, sent_);
  EXPECT_EQ(read_bytes(note), "mine");
}

// A stream of three files with one transaction each.
class RecoveryOfFiles : public testing::Test {
 protected:
  static constexpr StreamOptions tiny_files{.file_bytes_max = 41};

  RecoveryOfFiles() {
    auto stream = open_or_fail(folder_.path(), tiny_files);
    for (std::uint64_t i = 1; i <= 3; ++i) {
      files_.push_back(folder_.path() / file_name(stream->durable().offset));
      append_synced(*stream, transaction(i, std::string(20, static_cast<char>('a' + i))));
    }
  }
  Result<std::unique_ptr<Stream>> open() { return Stream::open(folder_.path(), tiny_files); }
  void expect_corruption() {
    const auto stream = open();
    ASSERT_FALSE(stream.ok());
    EXPECT_EQ(stream.error().fault, Fault::Corruption) << stream.error().message;
  }

  ScratchFolder folder_;
  std::vector<fs::path> files_;
};

TEST_F(RecoveryOfFiles, RefusesAMissingFileInBetween) {
  fs::remove(files_[1]);
  expect_corruption();
}

TEST_F(RecoveryOfFiles, RefusesAnOlderFileOfAnyOtherSize) {
  const std::string bytes = read_bytes(files_[1]);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    write_bytes(files_[1], bytes.substr(0, size));
    expect_corruption();
  }
  write_bytes(files_[1], bytes + '\0');
  expect_corruption();
}

TEST_F(RecoveryOfFiles, RefusesAFileUnderAnotherName) {
  fs::remove(files_[0]);
  fs::remove(files_[1]);
  fs::rename(files_[2], files_[1]);
  expect_corruption();
}

TEST_F(RecoveryOfFiles, CutsATornTailOfTheLastFileOnly) {
  const std::string bytes = read_bytes(files_[2]);
  write_bytes(files_[2], bytes.substr(0, bytes.size() - 1));
  const auto stream = open();
  ASSERT_TRUE(stream.ok());
  EXPECT_EQ(read_all(**stream).size(), 2u);
  EXPECT_EQ((*stream)->durable().lsn, Lsn{250});
}

TEST_F(RecoveryOfFiles, FindsAFlippedBitInAnOlderFileWhenItIsRead) {
  const std::string bytes = read_bytes(files_[1]);
  for (std::size_t at = file_header_bytes; at < bytes.size(); ++at) {
    SCOPED_TRACE(at);
    std::string flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << at % 8));
    write_bytes(files_[1], flipped);
    const auto stream = open();
    ASSERT_TRUE(stream.ok());
    auto reader = std::move(*(*stream)->read_from({0}));
    EXPECT_TRUE(next_now(*reader).ok());
    const auto damaged = next_now(*reader);
    ASSERT_FALSE(damaged.ok());
    EXPECT_EQ(damaged.error().fault, Fault::Corruption);
    ASSERT_FALSE(next_now(*reader).ok()) << "damage must not be skipped";
  }
}

}  // namespace
}  // namespace freshet::stream
