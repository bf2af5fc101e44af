#include "server/supervisor.h"

#include <algorithm>
#include <utility>

#include "base/thread.h"
#include "observe/log.h"
#include "server/alter_collection.h"
#include "server/pipeline.h"
#include "source/continuity.h"

namespace freshet::server {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds pause_first = 250ms;
constexpr std::chrono::milliseconds pause_max = 10s;
constexpr auto healthy = 30s;  // a pipeline that ran this long starts over with short pauses
// A source that keeps losing its slot is not read from end to end again and again.
constexpr std::chrono::milliseconds resync_interval = 10min;

std::string_view state_after(const Error& error) {
  if (error.fault == Fault::Transient) return "retrying";
  return source::is_stale(error) ? "stale" : "failed";
}

}  // namespace

Supervisor::Supervisor(SourceConfig source, const Config& config, collection::Store& store)
    : source_(std::move(source)),
      owner_(source_.name, store.installation()),
      config_(config),
      store_(store),
      pause_(pause_first) {}

Supervisor::~Supervisor() = default;

void Supervisor::start() {
  thread_ = std::jthread([this](std::stop_token stop) { run(std::move(stop)); });
}

void Supervisor::run(std::stop_token stop) {
  name_this_thread("source:" + source_.name);
  while (!stop.stop_requested()) {
    const Result<> result = run_once(stop);
    if (stop.stop_requested()) {
      if (!result.ok()) {
        observe::debug("pipeline ended while stopping", {{"reason", result.error().message}});
      }
      return;
    }
    if (answer_resyncs()) continue;
    answer_requests(result.ok() ? next_pause() : handle(result.error()), stop);
  }
}

Result<> Supervisor::run_once(const std::stop_token& stop) {
  std::stop_source pipeline;
  running_.with([&](std::stop_source& running) { running = pipeline; });
  const std::stop_callback stop_too(stop, [&] { pipeline.request_stop(); });
  answer_resyncs();  // those that came before they could stop the pipeline
  if (std::exchange(resync_due_, false)) TRY(begin_anew());
  const auto started = Clock::now();
  Result<> result =
      run_pipeline(source_, config_, owner_, store_, requests_, board_, pipeline.get_token());
  if (Clock::now() - started > healthy) pause_ = pause_first;
  return result;
}

std::chrono::milliseconds Supervisor::next_pause() {
  return std::exchange(pause_, std::min(pause_ * 2, pause_max));
}

// ------------------------------------------------------------------------------------- failures

std::optional<std::chrono::milliseconds> Supervisor::handle(const Error& error) {
  std::string what_now;
  const auto pause = pause_after(error, what_now);
  board_.with([&](SourceFacts& facts) {
    const bool is_new = facts.last_error != error.message;
    // What is mended at once is no state to be in.
    facts.state = pause && pause->count() == 0 ? "retrying" : state_after(error);
    facts.last_error = error.message;
    facts.last_hint = error.hint;
    facts.copies.clear();
    if (!is_new) return;
    std::string line = "source " + source_.name + ": " + error.message;
    for (const std::string& more : {error.detail, error.hint, what_now}) {
      if (!more.empty()) line += "\n  " + more;
    }
    facts.news.push_back(std::move(line));
  });
  if (pause) {
    observe::warn(
        "source interrupted, " + what_now,
        {{"source", source_.name}, {"sqlstate", error.sqlstate}, {"reason", error.message}});
  } else {
    observe::error("source stopped", {{"source", source_.name},
                                      {"sqlstate", error.sqlstate},
                                      {"reason", error.message},
                                      {"detail", error.detail},
                                      {"hint", error.hint}});
  }
  return pause;
}

std::optional<std::chrono::milliseconds> Supervisor::pause_after(const Error& error,
                                                                 std::string& what_now) {
  if (error.fault == Fault::Transient) {
    what_now = "trying again";
    return next_pause();
  }
  if (!source::is_stale(error) || source_.on_lost_slot == OnLostSlot::Stop) return std::nullopt;
  what_now = "copying again";
  resync_due_ = true;
  const auto now = Clock::now();
  std::chrono::milliseconds pause{0};
  if (resynced_ && now - *resynced_ < resync_interval) {
    pause = std::chrono::ceil<std::chrono::milliseconds>(*resynced_ + resync_interval - now);
  }
  resynced_ = now + pause;
  return pause;
}

// ------------------------------------------------------------------------------------- requests

Result<Notes> Supervisor::ask(query::Command command, std::stop_token stop) {
  const bool resync = std::holds_alternative<query::ResyncSource>(command);
  const auto asked = requests_.put(std::move(command));
  if (resync) running_.with([](std::stop_source& running) { running.request_stop(); });
  return requests_.wait_for(asked, std::move(stop));
}

// While no pipeline runs: what needs the source has to wait for it, and what does not is done. Ends
// early when the source is to be begun anew.
void Supervisor::answer_requests(std::optional<std::chrono::milliseconds> limit,
                                 std::stop_token stop) {
  const auto until = Clock::now() + limit.value_or(0ms);
  while (!stop.stop_requested()) {
    const auto left =
        limit ? std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()) : 1h;
    if (left.count() <= 0) return;
    requests_.wait(stop, left);
    if (answer_resyncs()) return;
    while (const auto asked = requests_.take<query::AlterSource>()) {
      const SourceFacts facts = board_.get();
      asked->answer(Error{.sqlstate = "55000",
                          .message = "source " + source_.name + " is not connected",
                          .detail = facts.last_error,
                          .hint = "Try again when freshet.sources says that it is live."});
    }
    while (const auto asked = requests_.take_for_collection()) asked->answer(alter(asked->command));
  }
}

// True when the source is to be begun anew.
bool Supervisor::answer_resyncs() {
  bool some = false;
  while (const auto asked = requests_.take<query::ResyncSource>()) {
    const Result<> begun = begin_anew();
    some = some || begun.ok();
    asked->answer(begun.ok() ? Result<Notes>(Notes{}) : Result<Notes>(begun.error()));
  }
  if (some) {
    pause_ = pause_first;
    resync_due_ = false;
  }
  return some;
}

// Recorded first: what prepare() does from here on can be cut off anywhere.
Result<> Supervisor::begin_anew() {
  if (auto record = store_.find_source(source_.name)) {
    record->slot_created = false;
    TRY(store_.update_source(*record).context("begin source " + source_.name + " anew"));
  }
  observe::info("source begins anew", {{"source", source_.name}});
  return {};
}

Result<Notes> Supervisor::alter(const query::Command& asked) {
  const auto record = store_.find_source(source_.name);
  if (!record) {
    return Error{.sqlstate = "42P01", .message = "source " + source_.name + " has no collections"};
  }
  const auto writer = TRY(store_.writer(record->id));
  const Offset applied = store_.applied(record->id).offset;
  Altered altered = TRY(run_command(asked, store_, record->id, *writer, applied));
  return std::move(altered.notes);
}

}  // namespace freshet::server
