// Who copies what: the tables under one snapshot, and the pieces of those that are open.
//
// A worker opens a table that nobody has begun; when there are no more of these it helps with the
// pieces of another's. So many tables are copied side by side, each by one worker and into one
// segment, and the last large one by all.
//
// A table is complete when its pieces are gone and the last worker has left it. When one piece
// fails, the table has: its other pieces are dropped, and who copies one of them is stopped.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

#include "base/guarded.h"
#include "base/result.h"
#include "collection/store.h"
#include "postgres/catalog.h"
#include "snapshot/piece.h"
#include "snapshot/snapshot.h"

namespace freshet::server {

// One table on its way. What the queue does not guard is set before others can come to it.
struct CopyJob {
  explicit CopyJob(collection::TableRecord its_record) : record(std::move(its_record)) {}

  const collection::TableRecord record;
  const std::shared_ptr<snapshot::CopyProgress> progress =
      std::make_shared<snapshot::CopyProgress>();
  std::unique_ptr<collection::Copy> copy;           // once it is open
  std::stop_source stop;                            // of this table alone
  std::atomic<int> waits{0};                        // the session that waits for its lock
  unsigned attempts = 0;                            // to lock it; of the one who opens it
  Guarded<std::optional<WidenedColumn>> widened{};  // for a value that did not fit
};

// Thread safe.
class CopyQueue {
 public:
  // In the order in which they are begun.
  explicit CopyQueue(std::vector<std::unique_ptr<CopyJob>> jobs);

  struct Task {
    CopyJob* job = nullptr;
    bool helps = false;  // somebody else has opened it
  };
  // What a worker should do next; nothing when there is nothing more for it, or it is asked to
  // stop. Each task ends with leave().
  std::optional<Task> next(std::stop_token stop);
  // The table is locked and cut, by the one who opens it.
  void opened(CopyJob& job, std::vector<snapshot::Piece> pieces);
  std::optional<snapshot::Piece> take_piece(CopyJob& job);
  // Nobody else should try to help: the lock is not to be had.
  void needs_no_help(CopyJob& job);
  // Puts a table that could not be opened behind the others.
  void later(CopyJob& job);

  enum class Left { Others, Complete, Failed };
  // Whether the table is done with; `Failed` and its reason come once, to the last to leave.
  Left leave(CopyJob& job, Result<> outcome);
  std::optional<Error> failure(const CopyJob& job) const;

  // Waits until there is no more to do, up to the limit.
  bool wait_done(std::stop_token stop, std::chrono::milliseconds limit);
  // Calls visit(job) for each table that is not done.
  template <typename Visit>
  void for_each(Visit&& visit) {
    state_.with([&](State& state) {
      for (Entry& entry : state.entries) {
        if (!entry.done) visit(*entry.job);
      }
    });
  }

 private:
  struct Entry {
    std::unique_ptr<CopyJob> job;
    bool begun = false;
    bool open = false;
    bool helped = true;  // or may be
    bool done = false;
    unsigned workers = 0;
    std::deque<snapshot::Piece> pieces{};
    std::optional<Error> failure{};
  };
  struct State {
    std::list<Entry> entries;
  };
  static Entry& entry_of(State& state, const CopyJob& job);
  static std::optional<Task> choose(State& state);
  static bool is_done(const State& state);

  Guarded<State> state_;
};

}  // namespace freshet::server
