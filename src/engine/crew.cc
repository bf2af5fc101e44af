#include "engine/crew.h"

#include <fmt/core.h>

#include "base/thread.h"
#include "duckdb.h"

namespace freshet::engine {

namespace {

using Clock = std::chrono::steady_clock;

// Most statements are over by then.
constexpr std::chrono::microseconds alone{300};
// Then it looks whether it is still wanted.
constexpr idx_t tasks_at_once = 16;
// Between two steps of a statement there is nothing to do for a moment. The engine tells such news
// only to threads that wait inside it, and those take a share of small statements too.
constexpr std::chrono::microseconds moment{50};

}  // namespace

Crew::Crew(duckdb_database database, unsigned threads) : database_(database) {
  for (unsigned i = 0; i < threads; ++i) {
    threads_.emplace_back([this, i](const std::stop_token& stop) {
      name_this_thread(fmt::format("crew:{}", i));
      work(stop);
    });
  }
}

Crew::~Crew() = default;

Crew::Shift Crew::call() {
  {
    const std::scoped_lock lock(mutex_);
    if (shifts_++ == 0) since_ = Clock::now();
  }
  called_.notify_all();
  return {nullptr, [this](void*) {
            const std::scoped_lock lock(mutex_);
            --shifts_;
          }};
}

void Crew::work(const std::stop_token& stop) {
  const duckdb_task_state state = duckdb_create_task_state(database_);
  const auto some = [this] { return shifts_ > 0; };
  const auto none = [this] { return shifts_ == 0; };
  std::unique_lock lock(mutex_);
  while (called_.wait(lock, stop, some)) {
    if (const auto early = since_ + alone - Clock::now(); early.count() > 0) {
      called_.wait_for(lock, stop, early, none);
      continue;
    }
    lock.unlock();
    const idx_t done = duckdb_execute_n_tasks_state(state, tasks_at_once);
    lock.lock();
    if (done == 0) called_.wait_for(lock, stop, moment, none);
  }
  duckdb_destroy_task_state(state);
}

}  // namespace freshet::engine
