// How fast a number moves, over the last half minute: what a rate and a time left are told by. The
// whole time since the beginning would not notice that a source has become slow.
#pragma once

#include <chrono>
#include <deque>
#include <optional>

namespace freshet::server {

// A value; one thread.
class Pace {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds window{30};
  static constexpr std::chrono::milliseconds step{500};  // what comes sooner is not kept

  void add(Clock::time_point now, double value) {
    if (!samples_.empty() && now - samples_.back().at < step) return;
    samples_.push_back({now, value});
    // The oldest may be older than the window; the next one is not.
    while (samples_.size() > 2 && now - samples_[1].at > window) samples_.pop_front();
  }

  // With the value of now; nothing before there is a beginning.
  std::optional<double> per_second(Clock::time_point now, double value) const {
    if (samples_.empty()) return std::nullopt;
    const std::chrono::duration<double> took = now - samples_.front().at;
    if (took.count() <= 0) return std::nullopt;
    return (value - samples_.front().value) / took.count();
  }

 private:
  struct Sample {
    Clock::time_point at;
    double value = 0;
  };
  std::deque<Sample> samples_;
};

}  // namespace freshet::server
