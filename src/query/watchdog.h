// Interrupts what runs too long. Its thread exists only once a session has set a limit.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <thread>

#include "base/guarded.h"
#include "base/thread.h"

namespace freshet::query {

class Watchdog {
 public:
  using Clock = std::chrono::steady_clock;

  // `bark` is called when a deadline has passed, again and again until disarm().
  explicit Watchdog(std::function<void()> bark) : bark_(std::move(bark)) {}

  void arm(std::chrono::milliseconds limit) {
    deadline_.update([&](auto& deadline) { deadline = Clock::now() + limit; });
    if (!thread_.joinable()) thread_ = std::jthread([this](std::stop_token stop) { run(stop); });
  }
  void disarm() {
    deadline_.update([](auto& deadline) { deadline.reset(); });
  }

 private:
  static constexpr std::chrono::milliseconds bark_interval{20};

  void run(std::stop_token stop) {
    name_this_thread("timeout");
    while (!stop.stop_requested()) {
      const std::optional<Clock::time_point> deadline = deadline_.get();
      if (!deadline) {
        deadline_.wait(stop, [](const auto& set) { return set.has_value(); });
        continue;
      }
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - Clock::now());
      if (left.count() > 0) {
        deadline_.wait_for(stop, left, [&](const auto& now) { return now != deadline; });
        continue;
      }
      bark_();
      deadline_.wait_for(stop, bark_interval, [&](const auto& now) { return now != deadline; });
    }
  }

  std::function<void()> bark_;
  Guarded<std::optional<Clock::time_point>> deadline_;
  std::jthread thread_;  // last: destroyed first
};

}  // namespace freshet::query
