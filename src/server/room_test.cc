#include "server/room.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace freshet::server {
namespace {

constexpr std::uint64_t gigabyte = 1ULL << 30;

TEST(EnoughDisk, CountsWhatIsFree) {
  const DiskSpace disk{.free_bytes = 2 * gigabyte, .bytes = 100 * gigabyte};
  EXPECT_TRUE(enough_disk(disk, gigabyte, false));
  EXPECT_TRUE(enough_disk(disk, 2 * gigabyte, false));
  EXPECT_FALSE(enough_disk(disk, 2 * gigabyte + 1, false));
}

TEST(EnoughDisk, WantsMoreOnceItWasShort) {
  const DiskSpace disk{.free_bytes = gigabyte + gigabyte / 16, .bytes = 100 * gigabyte};
  EXPECT_TRUE(enough_disk(disk, gigabyte, false));
  EXPECT_FALSE(enough_disk(disk, gigabyte, true));
}

TEST(EnoughDisk, AsksForATwentiethOfASmallDisk) {
  const DiskSpace disk{.free_bytes = 100 << 20, .bytes = gigabyte};
  EXPECT_TRUE(enough_disk(disk, gigabyte, false));
}

TEST(EnoughDisk, AsksForNothingWithoutALimit) {
  EXPECT_TRUE(enough_disk({.free_bytes = 0, .bytes = gigabyte}, 0, true));
}

class RoomInStream : public ::testing::Test {
 protected:
  // Of the stream, when so much waits.
  bool is_short(std::optional<std::uint64_t> waiting) {
    const auto shortage = room_.look(waiting);
    EXPECT_TRUE(shortage.ok());
    return shortage->has_value();
  }

 private:
  Room room_{std::filesystem::temp_directory_path(), {.stream_bytes_max = 800}};
};

TEST_F(RoomInStream, IsShortAboveTheLimitUntilSomewhatLessWaits) {
  EXPECT_FALSE(is_short(800));
  EXPECT_TRUE(is_short(801));
  EXPECT_TRUE(is_short(701));
  EXPECT_FALSE(is_short(700));
  EXPECT_FALSE(is_short(800));
}

TEST_F(RoomInStream, IsNeverShortInTheMiddleOfATransaction) {
  EXPECT_FALSE(is_short(std::nullopt));
  EXPECT_FALSE(is_short(700));
}

TEST(Room, SaysWhyADiskCannotBeLookedAt) {
  Room room("/no/such/folder", {.disk_free_bytes_min = 1});
  const auto looked = room.look(0);
  ASSERT_FALSE(looked.ok());
  EXPECT_NE(looked.error().message.find("/no/such/folder"), std::string::npos);
}

}  // namespace
}  // namespace freshet::server
