// Fills a copy on threads of their own, so that the connection is read while the rows before are
// stored. A connection brings more than one thread can store: where there are cores for it, a
// second one helps as soon as rows have to wait. Each fills a segment of its own.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "base/bounded_queue.h"
#include "base/guarded.h"
#include "base/result.h"
#include "collection/store.h"
#include "snapshot/copy_rows.h"

namespace freshet::server {

// put() and finish() by one thread. Destroyed without finish(), it gives the loaders up.
class LoadThreads {
 public:
  LoadThreads(collection::Copy& copy, unsigned threads_max);
  ~LoadThreads();

  // Takes the rows of the batch, and leaves an empty one in its place; waits while many are
  // waiting. Fails with what went wrong with earlier ones.
  Result<> put(snapshot::RowBatch& batch);
  // When all are stored: makes them durable.
  Result<> finish();

 private:
  struct Worker {
    std::unique_ptr<collection::Loader> loader;
    std::jthread thread;  // last: joined first
  };

  Result<> add_thread();
  void run(collection::Loader& loader);
  void note(Result<> outcome);
  Result<> failure() const;

  // The engine compresses 122,880 rows at a time: about as many have to find room meanwhile, else
  // the connection stands still for that long.
  static constexpr std::size_t waiting_max = 8;
  collection::Copy& copy_;
  const unsigned threads_max_;
  BoundedQueue<snapshot::RowBatch> full_{waiting_max};
  Guarded<std::vector<snapshot::RowBatch>> empty_;
  Guarded<std::optional<Error>> failure_;
  Guarded<bool> complete_;  // no more will come, and what is there is to be kept
  std::list<Worker> workers_;
};

}  // namespace freshet::server
