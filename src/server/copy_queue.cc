#include "server/copy_queue.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/check.h"

namespace freshet::server {

CopyQueue::CopyQueue(std::vector<std::unique_ptr<CopyJob>> jobs) {
  state_.with([&](State& state) {
    for (auto& job : jobs) state.entries.push_back({.job = std::move(job)});
  });
}

CopyQueue::Entry& CopyQueue::entry_of(State& state, const CopyJob& job) {
  const auto found = std::ranges::find_if(
      state.entries, [&](const Entry& entry) { return entry.job.get() == &job; });
  CHECK(found != state.entries.end());
  return *found;
}

// A table that nobody has begun, else the one with the most left to share.
std::optional<CopyQueue::Task> CopyQueue::choose(State& state) {
  Entry* most = nullptr;
  for (Entry& entry : state.entries) {
    if (entry.done) continue;
    if (!entry.begun) {
      entry.begun = true;
      ++entry.workers;
      return Task{.job = entry.job.get()};
    }
    if (!entry.open || !entry.helped || entry.pieces.empty()) continue;
    if (most == nullptr || most->pieces.size() < entry.pieces.size()) most = &entry;
  }
  if (most == nullptr) return std::nullopt;
  ++most->workers;
  return Task{.job = most->job.get(), .helps = true};
}

bool CopyQueue::is_done(const State& state) {
  return std::ranges::all_of(state.entries, [](const Entry& entry) { return entry.done; });
}

std::optional<CopyQueue::Task> CopyQueue::next(std::stop_token stop) {
  std::optional<Task> task;
  // A table that is being opened may turn out to be large.
  state_.wait(std::move(stop), [&](State& state) {
    if (!task) task = choose(state);
    return task || std::ranges::all_of(state.entries, [](const Entry& entry) {
             return entry.done || (entry.begun && entry.open);
           });
  });
  return task;
}

void CopyQueue::opened(CopyJob& job, std::vector<snapshot::Piece> pieces) {
  state_.update([&](State& state) {
    Entry& entry = entry_of(state, job);
    entry.open = true;
    std::ranges::move(pieces, std::back_inserter(entry.pieces));
  });
}

std::optional<snapshot::Piece> CopyQueue::take_piece(CopyJob& job) {
  return state_.with([&](State& state) -> std::optional<snapshot::Piece> {
    Entry& entry = entry_of(state, job);
    if (entry.pieces.empty()) return std::nullopt;
    snapshot::Piece piece = std::move(entry.pieces.front());
    entry.pieces.pop_front();
    return piece;
  });
}

void CopyQueue::needs_no_help(CopyJob& job) {
  state_.update([&](State& state) { entry_of(state, job).helped = false; });
}

void CopyQueue::later(CopyJob& job) {
  state_.update([&](State& state) {
    Entry& entry = entry_of(state, job);
    entry.begun = false;
    --entry.workers;
    const auto at = std::ranges::find_if(state.entries,
                                         [&](const Entry& each) { return each.job.get() == &job; });
    state.entries.splice(state.entries.end(), state.entries, at);
  });
}

CopyQueue::Left CopyQueue::leave(CopyJob& job, Result<> outcome) {
  Left left = Left::Others;
  state_.update([&](State& state) {
    Entry& entry = entry_of(state, job);
    --entry.workers;
    if (!outcome.ok()) {
      if (!entry.failure) entry.failure = std::move(outcome).error();
      entry.pieces.clear();
      entry.open = true;  // as far as it will be
      job.stop.request_stop();
    }
    if (entry.workers > 0 || !entry.pieces.empty()) return;
    entry.done = true;
    left = entry.failure ? Left::Failed : Left::Complete;
  });
  return left;
}

std::optional<Error> CopyQueue::failure(const CopyJob& job) const {
  return state_.with([&](const State& state) -> std::optional<Error> {
    for (const Entry& entry : state.entries) {
      if (entry.job.get() == &job) return entry.failure;
    }
    return std::nullopt;
  });
}

bool CopyQueue::wait_done(std::stop_token stop, std::chrono::milliseconds limit) {
  return state_.wait_for(std::move(stop), limit, [](const State& state) { return is_done(state); });
}

}  // namespace freshet::server
