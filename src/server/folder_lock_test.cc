#include "server/folder_lock.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

namespace freshet::server {
namespace {

TEST(FolderLock, IsHeldByOneAtATime) {
  const auto folder =
      std::filesystem::temp_directory_path() / ("freshet-lock-" + std::to_string(::getpid()));
  {
    const auto first = FolderLock::take(folder);
    ASSERT_TRUE(first.ok()) << first.error().message;
    const auto second = FolderLock::take(folder);
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().sqlstate, "55006");
    EXPECT_NE(second.error().detail.find(std::to_string(::getpid())), std::string::npos);
  }
  EXPECT_TRUE(FolderLock::take(folder).ok());
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace freshet::server
