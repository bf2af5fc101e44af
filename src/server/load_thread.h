// Fills a copy on a thread of its own, so that the connection is read while the rows before are
// stored: the two take about as long.
#pragma once

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

// put() and finish() by one thread. Destroyed without finish(), it gives the loader up.
class LoadThread {
 public:
  explicit LoadThread(std::unique_ptr<collection::Loader> loader);
  ~LoadThread();

  // Takes the rows of the batch, and leaves an empty one in its place; waits while many are
  // waiting. Fails with what went wrong with earlier ones.
  Result<> put(snapshot::RowBatch& batch);
  // When all are stored: makes them durable.
  Result<> finish();

 private:
  void run();
  Result<> failure() const;

  // The engine compresses 122,880 rows at a time: about as many have to find room meanwhile, else
  // the connection stands still for that long.
  static constexpr std::size_t waiting_max = 8;
  const std::unique_ptr<collection::Loader> loader_;
  BoundedQueue<snapshot::RowBatch> full_{waiting_max};
  Guarded<std::vector<snapshot::RowBatch>> empty_;
  Guarded<std::optional<Error>> failure_;
  std::jthread thread_;  // last: joined first
};

}  // namespace freshet::server
