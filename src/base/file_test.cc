#include "base/file.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>

namespace freshet {
namespace {

class FileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "freshet_file_XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
};

TEST_F(FileTest, ReadsBackWhatItWrote) {
  const std::filesystem::path path = folder_ / "data";
  File file = std::move(File::open(path, File::Mode::CreateNew)).value();
  ASSERT_TRUE(file.write_at(3, as_bytes("def")).ok());
  ASSERT_TRUE(file.write_at(0, as_bytes("abc")).ok());
  ASSERT_TRUE(file.sync().ok());
  ASSERT_TRUE(sync_folder(folder_).ok());
  EXPECT_EQ(*file.size(), 6U);
  EXPECT_EQ(*read_text(path), "abcdef");
}

TEST_F(FileTest, AReadIsShortOnlyAtTheEnd) {
  File file = std::move(File::open(folder_ / "data", File::Mode::CreateNew)).value();
  ASSERT_TRUE(file.write_at(0, as_bytes("abcdef")).ok());
  std::byte buffer[4];
  EXPECT_EQ(*file.read_at(0, buffer), 4U);
  EXPECT_EQ(*file.read_at(4, buffer), 2U);
  EXPECT_EQ(*file.read_at(9, buffer), 0U);
  ASSERT_TRUE(file.truncate(2).ok());
  EXPECT_EQ(*file.read_at(0, buffer), 2U);
}

TEST_F(FileTest, ErrorsNameThePath) {
  const std::filesystem::path path = folder_ / "missing";
  const Result<File> file = File::open(path, File::Mode::Read);
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(file.error().sqlstate, "58030");
  EXPECT_EQ(file.error().message, "open " + path.string() + ": No such file or directory");
}

TEST_F(FileTest, CreateNewNeverTakesAnExistingFile) {
  const std::filesystem::path path = folder_ / "data";
  EXPECT_TRUE(File::open(path, File::Mode::CreateNew).ok());
  EXPECT_FALSE(File::open(path, File::Mode::CreateNew).ok());
  EXPECT_TRUE(File::open(path, File::Mode::ReadWrite).ok());
}

TEST_F(FileTest, AMoveTakesTheDescriptorAlong) {
  File first = std::move(File::open(folder_ / "first", File::Mode::CreateNew)).value();
  const int descriptor = first.descriptor();
  const File second = std::move(first);
  EXPECT_EQ(second.descriptor(), descriptor);
  EXPECT_TRUE(second.size().ok());
}

TEST(IoError, AFullDiskIsTransientAndSaysWhatToDo) {
  const Error full = io_error("write", "/data/x", ENOSPC);
  EXPECT_EQ(full.fault, Fault::Transient);
  EXPECT_EQ(full.sqlstate, "53100");
  EXPECT_FALSE(full.hint.empty());
  EXPECT_EQ(io_error("write", "/data/x", EIO).fault, Fault::Permanent);
}

}  // namespace
}  // namespace freshet
