#include "server/room.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/figures.h"

namespace freshet::server {

namespace {

// What can arrive in this time is small beside any sensible limit.
constexpr std::chrono::milliseconds disk_interval{100};
constexpr std::uint64_t share_of_small_disks = 20;
// Going on at the limit would mean resting again at once.
constexpr std::uint64_t share_more = 8;

double as_number(std::uint64_t bytes) {
  return static_cast<double>(bytes);
}

std::uint64_t wanted_bytes(const DiskSpace& disk, std::uint64_t free_bytes_min) {
  return std::min(free_bytes_min, disk.bytes / share_of_small_disks);
}

}  // namespace

bool enough_disk(const DiskSpace& disk, std::uint64_t free_bytes_min, bool was_short) {
  const std::uint64_t wanted = wanted_bytes(disk, free_bytes_min);
  return disk.free_bytes >= wanted + (was_short ? wanted / share_more : 0);
}

Room::Room(std::filesystem::path folder, RoomLimits limits)
    : folder_(std::move(folder)), limits_(limits) {}

Result<std::optional<Shortage>> Room::look(std::optional<std::uint64_t> waiting_bytes) {
  const auto now = Clock::now();
  if (limits_.disk_free_bytes_min > 0 && now - disk_asked_ >= disk_interval) {
    disk_ = TRY(disk_space(folder_));
    disk_asked_ = now;
    short_of_disk_ = !enough_disk(disk_, limits_.disk_free_bytes_min, short_of_disk_);
  }
  if (short_of_disk_) {
    return std::optional(Shortage{
        .message =
            fmt::format("receiving rests: {} are free on our disk, less than {}",
                        short_bytes(as_number(disk_.free_bytes)),
                        short_bytes(as_number(wanted_bytes(disk_, limits_.disk_free_bytes_min)))),
        .hint = "Make room on the disk of the data folder; it goes on by itself. Until "
                "then the source keeps the WAL."});
  }
  if (limits_.stream_bytes_max > 0 && waiting_bytes) {
    const std::uint64_t most = limits_.stream_bytes_max;
    stream_is_full_ = *waiting_bytes > most - (stream_is_full_ ? most / share_more : 0);
  }
  if (!stream_is_full_) return std::optional<Shortage>();
  return std::optional(Shortage{
      .message = fmt::format("receiving rests: more than {} wait in the stream to be applied",
                             short_bytes(as_number(limits_.stream_bytes_max))),
      .hint = "It goes on when they are applied; a paused collection has to be resumed. Until then "
              "the source keeps the WAL. Or raise stream_mb_max."});
}

}  // namespace freshet::server
