// Versions, and the one lock that makes a query see exactly one of them.
//
// A commit and the publication of its version happen under the exclusive side; a reader takes its
// engine snapshot and its version together under the shared side. So the two always belong
// together.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <stop_token>
#include <utility>
#include <vector>

#include "base/guarded.h"
#include "base/result.h"
#include "collection/live_rows.h"
#include "model/position.h"
#include "model/schema.h"

namespace freshet::collection {

// One published state of all collections. Immutable.
struct Version {
  std::uint64_t number = 0;
  std::shared_ptr<const LiveRoot> root = std::make_shared<const LiveRoot>();
  std::vector<std::pair<SourceId, Applied>> applied;

  Applied applied_of(SourceId source) const;
  void set_applied(SourceId source, const Applied& to);
};

// Thread safe.
class Versions {
 public:
  explicit Versions(Version first);

  std::shared_ptr<const Version> newest() const { return newest_.get(); }

  // Runs `begin`, which takes the engine's snapshot, and pins the version that belongs to it: what
  // it needs is not dropped until unpin().
  template <typename Begin>
  Result<std::shared_ptr<const Version>> pin(Begin&& begin) {
    const SharedTurn turn(*this);
    TRY(begin());
    auto version = newest_.get();
    pins_.with([&](Pins& pins) { ++pins[version->number]; });
    return version;
  }
  void unpin(const Version& version);
  std::optional<std::uint64_t> oldest_pinned() const;

  // Runs `commit`; when it succeeded, the version changed by `change(Version&)` is the newest.
  template <typename Commit, typename Change>
  Result<> publish(Commit&& commit, Change&& change) {
    const ExclusiveTurn turn(*this);
    TRY(commit());
    change_newest(std::forward<Change>(change));
    return {};
  }
  // Without a commit: nothing in the store changes, only what is known about it.
  template <typename Change>
  void change_newest(Change&& change) {
    newest_.update([&](std::shared_ptr<const Version>& newest) {
      auto next = std::make_shared<Version>(*newest);
      ++next->number;
      change(*next);
      newest = std::move(next);
    });
  }

  // Waits until `source` is visible up to `lsn`.
  bool wait_visible(SourceId source, Lsn lsn, std::chrono::milliseconds limit,
                    std::stop_token stop) const;

 private:
  using Pins = std::map<std::uint64_t, unsigned>;
  // glibc's shared_mutex lets a stream of readers starve a writer. Everybody passes the turnstile
  // first, so a writer who waits there keeps later readers behind it.
  struct SharedTurn {
    explicit SharedTurn(Versions& versions) : mutex(versions.mutex_) {
      const std::scoped_lock turn(versions.turnstile_);
      mutex.lock_shared();
    }
    ~SharedTurn() { mutex.unlock_shared(); }
    SharedTurn(const SharedTurn&) = delete;
    SharedTurn& operator=(const SharedTurn&) = delete;
    std::shared_mutex& mutex;
  };
  struct ExclusiveTurn {
    explicit ExclusiveTurn(Versions& versions) : mutex(versions.mutex_) {
      const std::scoped_lock turn(versions.turnstile_);
      mutex.lock();
    }
    ~ExclusiveTurn() { mutex.unlock(); }
    ExclusiveTurn(const ExclusiveTurn&) = delete;
    ExclusiveTurn& operator=(const ExclusiveTurn&) = delete;
    std::shared_mutex& mutex;
  };

  std::mutex turnstile_;     // protects the order of arrival at mutex_
  std::shared_mutex mutex_;  // exclusive: commit and publication; shared: snapshot and pin
  // Mutable, because waiting for a version changes nothing.
  mutable Guarded<std::shared_ptr<const Version>> newest_;
  Guarded<Pins> pins_;
};

}  // namespace freshet::collection
