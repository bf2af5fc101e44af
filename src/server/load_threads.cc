#include "server/load_threads.h"

#include <utility>

#include "base/thread.h"

namespace freshet::server {

LoadThreads::LoadThreads(collection::Copy& copy, unsigned threads_max)
    : copy_(copy), threads_max_(threads_max) {}

LoadThreads::~LoadThreads() {
  full_.close();
  workers_.clear();
}

Result<> LoadThreads::put(snapshot::RowBatch& batch) {
  TRY(failure());
  snapshot::RowBatch next = empty_.with([](std::vector<snapshot::RowBatch>& empty) {
    if (empty.empty()) return snapshot::RowBatch();
    snapshot::RowBatch taken = std::move(empty.back());
    empty.pop_back();
    return taken;
  });
  if (next.columns.empty()) {
    for (const Column& column : batch.columns) next.columns.emplace_back(column.type());
  }
  std::swap(next, batch);
  const bool help_wanted = workers_.empty() || full_.full();
  if (help_wanted && workers_.size() < threads_max_) TRY(add_thread());
  full_.push(std::move(next), {});
  return {};
}

Result<> LoadThreads::add_thread() {
  auto loader = TRY(copy_.loader());
  Worker& worker = workers_.emplace_back();
  worker.loader = std::move(loader);
  worker.thread = std::jthread([this, &worker] {
    name_this_thread("load");
    run(*worker.loader);
  });
  return {};
}

Result<> LoadThreads::finish() {
  // A table without rows is copied, too.
  if (workers_.empty()) TRY(add_thread());
  complete_.update([](bool& complete) { complete = true; });
  full_.close();
  for (Worker& worker : workers_) worker.thread.join();
  return failure();
}

void LoadThreads::run(collection::Loader& loader) {
  while (auto batch = full_.pop({})) {
    // After a failure the rest is dropped, so that nobody waits.
    if (failure().ok()) note(loader.append(batch->columns));
    batch->clear();
    empty_.with([&](auto& empty) { empty.push_back(*std::move(batch)); });
  }
  // Here, because the rows that are not compressed yet take their time.
  if (complete_.get() && failure().ok()) note(loader.finish());
}

void LoadThreads::note(Result<> outcome) {
  if (outcome.ok()) return;
  failure_.with([&](auto& failure) {
    if (!failure) failure = std::move(outcome).error();
  });
}

Result<> LoadThreads::failure() const {
  if (auto failed = failure_.get()) return *std::move(failed);
  return {};
}

}  // namespace freshet::server
