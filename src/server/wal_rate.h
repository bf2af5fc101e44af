// How fast a source writes WAL, smoothed: what follows from it should not jump with every burst.
#pragma once

#include <chrono>
#include <optional>

#include "model/position.h"

namespace freshet::server {

// Without a lock; for the watch.
class WalRate {
 public:
  using Clock = std::chrono::steady_clock;

  // The source's WAL ended at `end` just now. After a position that went back it begins anew.
  void see(Clock::time_point at, Lsn end);
  // Over about the last half minute; nothing before the second look.
  std::optional<double> bytes_per_second() const { return rate_; }

 private:
  std::optional<double> rate_;
  Clock::time_point at_{};
  Lsn end_;
};

}  // namespace freshet::server
