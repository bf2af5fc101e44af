#include "postgres/connection_wait.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>

namespace freshet::postgres {

SocketWait::SocketWait() : wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  // Out of file descriptors: without it the wait only ends at its limit.
}

SocketWait::~SocketWait() {
  if (wake_ >= 0) close(wake_);
}

SocketWait::Woken SocketWait::wait(int socket, short events, const std::stop_token& stop,
                                   std::chrono::milliseconds limit) const {
  using Clock = std::chrono::steady_clock;
  const std::stop_callback wake(stop, [this] {
    const std::uint64_t one = 1;
    // Fails only when it was written before, and then it has woken.
    [[maybe_unused]] const ssize_t written = write(wake_, &one, sizeof one);
  });
  const Clock::time_point deadline =
      Clock::now() + std::min<std::chrono::milliseconds>(limit, std::chrono::hours(1));
  for (;;) {
    if (stop.stop_requested()) return Woken::Stopped;
    std::array<pollfd, 2> polled{{{socket, events, 0}, {wake_, POLLIN, 0}}};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    const auto timeout = std::clamp<std::chrono::milliseconds::rep>(left.count(), 0, 60'000);
    const int ready = poll(polled.data(), polled.size(), static_cast<int>(timeout));
    if (stop.stop_requested()) return Woken::Stopped;
    if (ready > 0 && polled[0].revents != 0) return Woken::Ready;
    if (ready > 0) {  // a stale wake-up of an earlier token
      std::uint64_t count = 0;
      [[maybe_unused]] const ssize_t taken = read(wake_, &count, sizeof count);
    }
    if (ready < 0 && errno != EINTR) return Woken::Ready;
    if (Clock::now() >= deadline) return Woken::TimedOut;
  }
}

}  // namespace freshet::postgres
