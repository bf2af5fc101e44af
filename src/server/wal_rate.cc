#include "server/wal_rate.h"

#include <cmath>

namespace freshet::server {

namespace {

// What was seen so long ago counts 1/e of what is seen now.
constexpr std::chrono::duration<double> memory{30};

}  // namespace

void WalRate::see(Clock::time_point at, Lsn end) {
  const bool goes_on = end_ != Lsn{} && end >= end_;
  if (goes_on && at <= at_) return;
  if (goes_on) {
    const std::chrono::duration<double> passed = at - at_;
    const double now = static_cast<double>(end.value - end_.value) / passed.count();
    const double share = rate_ ? 1 - std::exp(-passed / memory) : 1;
    rate_ = rate_.value_or(0) * (1 - share) + now * share;
  } else {
    rate_.reset();
  }
  at_ = at;
  end_ = end;
}

}  // namespace freshet::server
