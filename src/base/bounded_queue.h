// A queue with a limit, between exactly the threads that were told about it. Its bound is the
// back-pressure: a full queue makes the producer wait.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

namespace freshet {

template <typename T>
class BoundedQueue {
 public:
  explicit BoundedQueue(std::size_t items_max) : items_max_(items_max) {}

  // Waits for room; false when asked to stop or when the queue was closed.
  bool push(T item, std::stop_token stop) {
    std::unique_lock lock(mutex_);
    const bool room =
        changed_.wait(lock, stop, [this] { return closed_ || items_.size() < items_max_; });
    if (!room || closed_) return false;
    items_.push_back(std::move(item));
    lock.unlock();
    changed_.notify_all();
    return true;
  }

  // Waits for an item; nothing when asked to stop, or when closed and empty.
  std::optional<T> pop(std::stop_token stop) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait(lock, stop, [this] { return closed_ || !items_.empty(); })) return {};
    if (items_.empty()) return {};
    std::optional<T> item = std::move(items_.front());
    items_.pop_front();
    lock.unlock();
    changed_.notify_all();
    return item;
  }

  bool full() {
    const std::scoped_lock lock(mutex_);
    return items_.size() >= items_max_;
  }

  // No more pushes; what is inside can still be taken out.
  void close() {
    {
      const std::scoped_lock lock(mutex_);
      closed_ = true;
    }
    changed_.notify_all();
  }

 private:
  const std::size_t items_max_;
  std::mutex mutex_;  // protects items_ and closed_
  std::condition_variable_any changed_;
  std::deque<T> items_;
  bool closed_ = false;
};

}  // namespace freshet
