#include "server/supervisor.h"

#include <algorithm>
#include <utility>

#include "base/thread.h"
#include "observe/log.h"
#include "postgres/connection.h"
#include "server/alter_collection.h"
#include "server/pipeline.h"

namespace freshet::server {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds pause_first = 250ms;
constexpr std::chrono::milliseconds pause_max = 10s;
constexpr auto healthy = 30s;  // a pipeline that ran this long starts over with short pauses

}  // namespace

Supervisor::Supervisor(SourceConfig source, const Config& config, collection::Store& store)
    : source_(std::move(source)),
      owner_(source_.name, store.installation()),
      config_(config),
      store_(store) {}

Supervisor::~Supervisor() = default;

void Supervisor::start() {
  thread_ = std::jthread([this](std::stop_token stop) { run(std::move(stop)); });
}

void Supervisor::run(std::stop_token stop) {
  name_this_thread("source:" + source_.name);
  std::chrono::milliseconds pause = pause_first;
  while (!stop.stop_requested()) {
    const auto started = std::chrono::steady_clock::now();
    const Result<> result = run_pipeline(source_, config_, owner_, store_, requests_, board_, stop);
    if (stop.stop_requested()) {
      if (!result.ok()) {
        observe::debug("pipeline ended while stopping", {{"reason", result.error().message}});
      }
      return;
    }
    if (!result.ok() && !handle(result.error())) {
      while (!stop.stop_requested()) answer_requests(1h, stop);
      return;
    }
    if (std::chrono::steady_clock::now() - started > healthy) pause = pause_first;
    answer_requests(pause, stop);
    pause = std::min(pause * 2, pause_max);
  }
}

// While no pipeline runs: what needs the source has to wait for it, and what does not is done.
void Supervisor::answer_requests(std::chrono::milliseconds limit, std::stop_token stop) {
  const auto until = std::chrono::steady_clock::now() + limit;
  while (!stop.stop_requested()) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    if (left.count() <= 0) return;
    requests_.wait(stop, left);
    while (const auto asked = requests_.take<query::AlterSource>()) {
      const SourceFacts facts = board_.get();
      asked->answer(Error{.sqlstate = "55000",
                          .message = "source " + source_.name + " is not connected",
                          .detail = facts.last_error,
                          .hint = "Try again when freshet.sources says that it is live."});
    }
    while (const auto asked = requests_.take<query::AlterCollection>()) {
      asked->answer(alter(std::get<query::AlterCollection>(asked->command)));
    }
  }
}

Result<Notes> Supervisor::alter(const query::AlterCollection& asked) {
  for (const collection::SourceRecord& record : store_.sources()) {
    if (record.name != source_.name) continue;
    const auto writer = TRY(store_.writer(record.id));
    const Offset applied = store_.visible(record.id).offset;
    Altered altered = TRY(alter_collection(asked, store_, record.id, *writer, applied));
    return std::move(altered.notes);
  }
  return Error{.sqlstate = "42P01", .message = "source " + source_.name + " has no collections"};
}

bool Supervisor::handle(const Error& error) {
  const bool again = error.fault == Fault::Transient;
  board_.with([&](SourceFacts& facts) {
    const bool is_new = facts.last_error != error.message;
    facts.state = again ? "retrying" : "failed";
    facts.last_error = error.message;
    facts.last_hint = error.hint;
    facts.copies.clear();
    if (!is_new) return;
    std::string line = "source " + source_.name + ": " + error.message;
    if (!error.detail.empty()) line += "\n  " + error.detail;
    if (!error.hint.empty()) line += "\n  " + error.hint;
    if (again) line += "\n  trying again";
    facts.news.push_back(std::move(line));
  });
  if (again) {
    observe::warn("source interrupted, trying again",
                  {{"source", source_.name}, {"reason", error.message}});
  } else {
    observe::error("source stopped",
                   {{"source", source_.name}, {"reason", error.message}, {"hint", error.hint}});
  }
  return again;
}

}  // namespace freshet::server
