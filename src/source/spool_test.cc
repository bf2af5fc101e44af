// pwrite() of this test program is the one below, so that the disk can be full when a test says so.
#include "source/spool.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <fstream>

#include "source/scripted_messages.h"

namespace {
std::atomic<bool> disk_full{false};
}

extern "C" ssize_t pwrite(int descriptor, const void* bytes, size_t size, off_t offset) {
  if (!disk_full) return syscall(SYS_pwrite64, descriptor, bytes, size, offset);
  errno = ENOSPC;
  return -1;
}

namespace freshet::source {
namespace {

namespace fs = std::filesystem;
using scripted::ScratchFolder;

constexpr Xid top{9};
constexpr Xid sub{10};

class SpoolTest : public testing::Test {
 protected:
  ~SpoolTest() override { disk_full = false; }
  void append(Xid transaction, Xid subtransaction, const std::string& body) {
    const Result<> done = spools_.append(transaction, subtransaction, 'I', as_bytes(body));
    ASSERT_TRUE(done.ok()) << done.error().message;
  }
  // The bodies that were not rolled back.
  std::vector<std::string> taken(Xid transaction) {
    SpoolReader reader = spools_.take(transaction).value();
    std::vector<std::string> bodies;
    while (!reader.at_end()) {
      const SpoolReader::Entry entry = reader.next().value();
      if (!entry.rolled_back) bodies.emplace_back(as_text(entry.message.subspan(1)));
    }
    return bodies;
  }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& file : fs::directory_iterator(path_)) names.push_back(file.path().filename());
    return names;
  }

  ScratchFolder folder_;
  fs::path path_ = folder_.path() / "spool";
  Spools spools_ = Spools::open({.folder = path_, .memory_bytes_max = 10'000}).value();
};

using Strings = std::vector<std::string>;

TEST_F(SpoolTest, KeepsSmallTransactionsInMemory) {
  ASSERT_TRUE(spools_.begin(top));
  ASSERT_FALSE(spools_.begin(top));
  append(top, top, "a");
  append(top, sub, "b");
  EXPECT_EQ(files(), Strings{});
  EXPECT_EQ(taken(top), (Strings{"a", "b"}));
  EXPECT_FALSE(spools_.contains(top));
}

TEST_F(SpoolTest, MovesTheLargestToItsFileWhenAllTogetherPassTheBound) {
  ASSERT_TRUE(spools_.begin(top) && spools_.begin(Xid{20}));
  append(Xid{20}, Xid{20}, std::string(3000, 's'));
  Strings big;
  for (int i = 0; i < 30; ++i) {
    big.push_back(std::to_string(i) + std::string(997, 'b'));
    append(top, i % 3 == 0 ? sub : top, big.back());
  }
  EXPECT_EQ(files(), Strings{"9.spool"});
  EXPECT_GT(spools_.bytes(), 33'000U);
  EXPECT_EQ(taken(top), big);
  EXPECT_EQ(files(), Strings{});
  EXPECT_EQ(taken(Xid{20}), Strings{std::string(3000, 's')});
  EXPECT_EQ(spools_.bytes(), 0U);
}

TEST_F(SpoolTest, TakesMessagesOfAnySize) {
  ASSERT_TRUE(spools_.begin(top));
  const Strings bodies = {"", std::string(5 << 20, 'x'), "y", std::string((1 << 20) - 9, 'z'), ""};
  for (const std::string& body : bodies) append(top, top, body);
  EXPECT_EQ(taken(top), bodies);
}

TEST_F(SpoolTest, GivesDiskSpaceBackWhileItIsRead) {
  ASSERT_TRUE(spools_.begin(top));
  for (int i = 0; i < 40; ++i) append(top, top, std::string(200'000, 'x'));
  const auto disk_bytes = [&] {
    struct stat status {};
    EXPECT_EQ(::stat((path_ / "9.spool").c_str(), &status), 0);
    return status.st_blocks * 512;
  };
  SpoolReader reader = spools_.take(top).value();
  const auto before = disk_bytes();
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(reader.next().ok());
  EXPECT_LT(disk_bytes(), before / 2);
}

TEST_F(SpoolTest, LeavesOutWhatWasRolledBack) {
  ASSERT_TRUE(spools_.begin(top));
  for (std::uint32_t i = 0; i < 100; ++i) append(top, Xid{100 + i}, std::to_string(i));
  for (std::uint32_t i = 99; i > 0; --i) {
    if (i % 10 != 0) spools_.abort(top, Xid{100 + i});
  }
  EXPECT_EQ(taken(top), (Strings{"0", "10", "20", "30", "40", "50", "60", "70", "80", "90"}));
}

TEST_F(SpoolTest, EmptiesItsFolderWhenItStarts) {
  fs::create_directories(path_);
  std::ofstream(path_ / "9.spool") << "of a process that was killed";
  spools_ = Spools::open({.folder = path_, .memory_bytes_max = 10}).value();
  EXPECT_EQ(files(), Strings{});
  ASSERT_TRUE(spools_.begin(top));
  append(top, top, std::string(100, 'x'));
  EXPECT_EQ(taken(top), Strings{std::string(100, 'x')});
}

TEST_F(SpoolTest, SaysThatTheDiskIsFull) {
  ASSERT_TRUE(spools_.begin(top));
  append(top, top, std::string(9'000, 'x'));
  disk_full = true;
  const Result<> refused = spools_.append(top, top, 'I', as_bytes(std::string(2'000, 'x')));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().sqlstate, "53100");
  EXPECT_EQ(refused.error().fault, Fault::Transient);
  EXPECT_NE(refused.error().hint, "");
}

TEST_F(SpoolTest, BoundsTheNumberOfTransactions) {
  spools_ = Spools::open({.folder = path_, .count_max = 2}).value();
  ASSERT_TRUE(spools_.begin(top) && spools_.begin(sub));
  EXPECT_TRUE(spools_.full());
  spools_.abort(sub, sub);
  EXPECT_FALSE(spools_.full());
}

}  // namespace
}  // namespace freshet::source
