// A disk that is full, and one that fails to sync: pwrite() and fdatasync() of this test program
// are the ones below, which do as they are told.
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <limits>

#include "stream/test_stream.h"

namespace {

constexpr std::int64_t unlimited = std::numeric_limits<std::int64_t>::max();
std::atomic<std::int64_t> disk_bytes_left{unlimited};
std::atomic<bool> sync_fails{false};
std::atomic<int> syncs{0};

}  // namespace

extern "C" ssize_t pwrite(int descriptor, const void* bytes, size_t size, off_t offset) {
  const auto room = static_cast<size_t>(std::max<std::int64_t>(0, disk_bytes_left));
  if (room == 0 && size > 0) {
    errno = ENOSPC;
    return -1;
  }
  const ssize_t put = syscall(SYS_pwrite64, descriptor, bytes, std::min(size, room), offset);
  if (put > 0 && disk_bytes_left != unlimited) disk_bytes_left -= put;
  return put;
}

extern "C" int fdatasync(int) {
  ++syncs;
  if (sync_fails) {
    errno = EIO;
    return -1;
  }
  return 0;
}

extern "C" int fsync(int) {
  return 0;
}

namespace freshet::stream {
namespace {

class DiskFaults : public testing::Test {
 protected:
  DiskFaults() : stream_(open_or_fail(folder_.path())) {
    append_synced(*stream_, transaction(1, "a"));
  }
  ~DiskFaults() override { mend(); }
  static void mend() {
    disk_bytes_left = unlimited;
    sync_fails = false;
  }
  void expect_after_reopening(const Strings& messages) {
    stream_.reset();
    stream_ = open_or_fail(folder_.path());
    EXPECT_TRUE(read_all(*stream_) == messages);
  }

  ScratchFolder folder_;
  std::unique_ptr<Stream> stream_;
};

void expect_disk_full(const Result<>& result) {
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().fault, Fault::Transient);
  EXPECT_EQ(result.error().sqlstate, "53100");
  EXPECT_NE(result.error().hint, "");
}

TEST_F(DiskFaults, KeepsWhatAFullDiskDidNotTakeAndWritesItLater) {
  for (std::int64_t room = 0; room <= 57; ++room) {
    SCOPED_TRACE(room);
    const auto number = static_cast<std::uint64_t>(room) + 2;
    append(*stream_, transaction(number, "b"));
    disk_bytes_left = room;
    if (room < 57) expect_disk_full(stream_->sync());
    EXPECT_EQ(stream_->durable().lsn, Lsn{(number - 1) * 100 + 50});
    mend();
    ASSERT_TRUE(stream_->sync().ok());
    EXPECT_EQ(stream_->durable().lsn, Lsn{number * 100 + 50});
  }
  Strings all(59, "b");
  all[0] = "a";
  EXPECT_EQ(read_all(*stream_), all);
  expect_after_reopening(all);
}

TEST_F(DiskFaults, GivesThePartOfAWriteBackThatAFullDiskTook) {
  const auto size = fs::file_size(folder_.path() / file_name({0}));
  append(*stream_, transaction(2, std::string(1000, 'b')));
  disk_bytes_left = 500;
  expect_disk_full(stream_->sync());
  EXPECT_EQ(fs::file_size(folder_.path() / file_name({0})), size);
}

TEST_F(DiskFaults, AppendsNothingOfALargeRecordThatDoesNotFit) {
  const std::string large(3 << 20, 'l');
  for (const std::int64_t room : {0, 30, 56, 57, 2 << 20}) {
    SCOPED_TRACE(room);
    disk_bytes_left = room;
    expect_disk_full(stream_->append(transaction(2, large)));
    mend();
  }
  append_synced(*stream_, transaction(2, "small instead"));
  expect_after_reopening({"a", "small instead"});
}

TEST_F(DiskFaults, ForgetsALargeTransactionThatDoesNotFitWhenItComesAgain) {
  const std::string large(3 << 20, 'l');
  append(*stream_, first_part(2, large));
  disk_bytes_left = 1 << 20;
  expect_disk_full(stream_->append(last_part(2, large)));
  mend();
  append(*stream_, first_part(2, "less"));
  append_synced(*stream_, last_part(2, "of it"));
  expect_after_reopening({"a", "less", "of it"});
}

TEST_F(DiskFaults, StaysUsableWhenAFileCannotBeBegun) {
  const StreamOptions tiny_files{.file_bytes_max = 41};
  stream_ = open_or_fail(folder_.path(), tiny_files);
  disk_bytes_left = 20;
  expect_disk_full(stream_->append(transaction(2, "b")));
  mend();
  append_synced(*stream_, transaction(2, "b"));
  expect_after_reopening({"a", "b"});
}

TEST_F(DiskFaults, RefusesEverythingAfterAFailedSync) {
  append(*stream_, transaction(2, "b"));
  sync_fails = true;
  const auto synced = stream_->sync();
  ASSERT_FALSE(synced.ok());
  EXPECT_EQ(synced.error().fault, Fault::Corruption);
  mend();
  // The kernel would say yes now, and would be wrong.
  EXPECT_FALSE(stream_->sync().ok());
  EXPECT_FALSE(stream_->append(transaction(3, "c")).ok());
  EXPECT_EQ(stream_->durable().lsn, Lsn{150});
  EXPECT_EQ(read_all(*stream_), Strings{"a"});
}

TEST_F(DiskFaults, SyncsOnceHoweverManyTransactionsWait) {
  const int before = syncs;
  for (std::uint64_t i = 2; i < 1000; ++i) append(*stream_, transaction(i, "many"));
  ASSERT_TRUE(stream_->sync().ok());
  ASSERT_TRUE(stream_->sync().ok());
  EXPECT_EQ(syncs - before, 1);
}

}  // namespace
}  // namespace freshet::stream
