// Whether there is room for what the source sends: on our disk, and below the limit of its stream.
//
// Where there is none, receiving rests. The source keeps the WAL of what it could not send, as long
// as it is set to, while apply goes on and makes room. A disk is never filled to its end, because
// the store needs some of it to apply what is here already.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/disk.h"
#include "base/result.h"

namespace freshet::server {

struct RoomLimits {
  std::uint64_t disk_free_bytes_min = 0;  // a twentieth of the disk, where that is less
  std::uint64_t stream_bytes_max = 0;     // that wait to be applied; 0: no limit
};

struct Shortage {
  std::string message;
  std::string hint;
};

// For the receiving thread.
class Room {
 public:
  // `folder`: on the disk in question.
  Room(std::filesystem::path folder, RoomLimits limits);

  // What is missing, if anything. `waiting_bytes`: of the stream, not applied yet; nothing where it
  // may not count, as in the middle of a transaction, which can only be applied when all of it is
  // here. The disk is looked at now and then only. Once short, there must be somewhat more than the
  // limit before there is room again.
  Result<std::optional<Shortage>> look(std::optional<std::uint64_t> waiting_bytes);

 private:
  using Clock = std::chrono::steady_clock;

  const std::filesystem::path folder_;
  const RoomLimits limits_;
  DiskSpace disk_;
  Clock::time_point disk_asked_{};
  bool short_of_disk_ = false;
  bool stream_is_full_ = false;
};

// Whether that is enough; `was_short`: then it takes an eighth more. 0: any is.
bool enough_disk(const DiskSpace& disk, std::uint64_t free_bytes_min, bool was_short);

}  // namespace freshet::server
