#include "server/load_thread.h"

#include <utility>

#include "base/thread.h"

namespace freshet::server {

LoadThread::LoadThread(std::unique_ptr<collection::Loader> loader)
    : loader_(std::move(loader)), thread_([this] {
        name_this_thread("load");
        run();
      }) {}

LoadThread::~LoadThread() {
  full_.close();
}

Result<> LoadThread::put(snapshot::RowBatch& batch) {
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
  full_.push(std::move(next), {});
  return {};
}

Result<> LoadThread::finish() {
  full_.close();
  thread_.join();
  TRY(failure());
  return loader_->finish();
}

void LoadThread::run() {
  while (auto batch = full_.pop({})) {
    // After a failure the rest is dropped, so that nobody waits.
    if (failure().ok()) {
      Result<> appended = loader_->append(batch->columns);
      if (!appended.ok()) {
        failure_.with([&](auto& failure) { failure = std::move(appended).error(); });
      }
    }
    batch->clear();
    empty_.with([&](auto& empty) { empty.push_back(*std::move(batch)); });
  }
}

Result<> LoadThread::failure() const {
  if (auto failed = failure_.get()) return *std::move(failed);
  return {};
}

}  // namespace freshet::server
