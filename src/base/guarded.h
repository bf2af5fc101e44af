// Guarded<T>: a value that can be touched only while its lock is held.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <utility>

namespace freshet {

template <typename T>
class Guarded {
 public:
  Guarded() = default;
  explicit Guarded(T value) : value_(std::move(value)) {}

  // Runs `action` with the value; do not keep a reference beyond it.
  template <typename Action>
  decltype(auto) with(Action&& action) {
    const std::scoped_lock lock(mutex_);
    return std::forward<Action>(action)(value_);
  }
  template <typename Action>
  decltype(auto) with(Action&& action) const {
    const std::scoped_lock lock(mutex_);
    return std::forward<Action>(action)(value_);
  }

  // A copy, taken under the lock.
  T get() const {
    const std::scoped_lock lock(mutex_);
    return value_;
  }

  // Changes the value and wakes everybody in wait().
  template <typename Action>
  void update(Action&& action) {
    {
      const std::scoped_lock lock(mutex_);
      std::forward<Action>(action)(value_);
    }
    changed_.notify_all();
  }

  // Waits until `condition(value)` holds; false when asked to stop or when the time is over.
  template <typename Condition>
  bool wait_for(std::stop_token stop, std::chrono::milliseconds limit, Condition&& condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, stop, limit, [&] { return condition(value_); });
  }
  template <typename Condition>
  bool wait(std::stop_token stop, Condition&& condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait(lock, stop, [&] { return condition(value_); });
  }

 private:
  mutable std::mutex mutex_;  // protects value_
  std::condition_variable_any changed_;
  T value_{};
};

}  // namespace freshet
