// Times as the server sends them: microseconds since 2000-01-01 UTC.
#pragma once

#include <chrono>
#include <cstdint>

#include "model/position.h"

namespace freshet::source {

inline constexpr std::chrono::microseconds server_epoch =
    std::chrono::sys_days(std::chrono::year(2000) / 1 / 1).time_since_epoch();

// Unsigned inside, because a time beyond our range may wrap but must not be undefined.
inline Time from_server_time(std::int64_t time) {
  return Time(std::chrono::microseconds(static_cast<std::int64_t>(
      static_cast<std::uint64_t>(time) + static_cast<std::uint64_t>(server_epoch.count()))));
}
inline std::int64_t to_server_time(Time time) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(time.time_since_epoch().count()) -
                                   static_cast<std::uint64_t>(server_epoch.count()));
}

}  // namespace freshet::source
