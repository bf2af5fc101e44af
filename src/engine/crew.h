// The threads that help statements which take long.
//
// The engine's own worker threads take a share of every statement, however small: a commit of a few
// rows then waits for another thread to wake up, several times. So the engine is given none, each
// statement runs on the thread that asks, and these threads join in where they are called, once it
// has taken a while.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

struct _duckdb_database;

namespace freshet::engine {

// Thread-safe. Ends its threads when destroyed, which has to happen before the database is closed.
class Crew {
 public:
  // `threads`: how many help; none is fine.
  Crew(_duckdb_database* database, unsigned threads);
  ~Crew();

  // The crew comes soon, and works while one of these exists.
  using Shift = std::shared_ptr<void>;
  Shift call();

 private:
  void work(const std::stop_token& stop);

  _duckdb_database* database_;
  std::mutex mutex_;  // protects the next two
  unsigned shifts_ = 0;
  std::chrono::steady_clock::time_point since_{};  // the first of them began
  std::condition_variable_any called_;
  std::vector<std::jthread> threads_;  // last: joined first
};

}  // namespace freshet::engine
