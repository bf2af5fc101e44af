#include "http/statement_runner.h"

#include <optional>
#include <utility>

#include "base/thread.h"
#include "http/statements.h"
#include "observe/metrics.h"
#include "query/command_statement.h"

namespace freshet::http {
namespace {

// Waiting ones too.
observe::Gauge& statements() {
  static observe::Gauge& gauge = observe::gauge(
      "freshet_http_statements", "Statements that came over HTTP and are not answered yet.");
  return gauge;
}

Error stopping() {
  return {.sqlstate = "57P01",
          .message = "the server is stopping",
          .hint = "What the statement asked for may have been done: look when it runs again."};
}

}  // namespace

StatementRunner::StatementRunner(const query::Status& status, query::Commands& commands,
                                 Options options)
    : status_(status), commands_(commands), options_(options) {
  statements().set(0);
  for (int i = 0; i < options_.at_once_max; ++i) {
    threads_.emplace_back([this](std::stop_token stop) { work(std::move(stop)); });
  }
}

StatementRunner::~StatementRunner() {
  stop();
}

Result<std::stop_source> StatementRunner::run(std::string sql, Answer answer) {
  Result<std::stop_source> begun = std::stop_source();
  jobs_.update([&](Jobs& jobs) {
    if (jobs.stopped) {
      begun = stopping();
    } else if (jobs.waiting.size() >= options_.waiting_max) {
      begun = Error{.sqlstate = "53300",
                    .message = "too many statements at once",
                    .hint = "Try again when others are done."};
    } else {
      jobs.waiting.push_back({std::move(sql), std::move(answer), begun.value()});
      statements().set(static_cast<double>(jobs.waiting.size() + jobs.running.size()));
    }
  });
  return begun;
}

void StatementRunner::stop() {
  std::vector<std::stop_source> stops;
  jobs_.update([&](Jobs& jobs) {
    jobs.stopped = true;
    for (const Job& job : jobs.waiting) stops.push_back(job.stop);
    stops.insert(stops.end(), jobs.running.begin(), jobs.running.end());
  });
  for (std::stop_source& each : stops) each.request_stop();
  for (std::jthread& thread : threads_) thread.request_stop();
  threads_.clear();
}

// Ends when asked to, once nobody waits any more.
void StatementRunner::work(std::stop_token stop) {
  name_this_thread("http statement");
  for (;;) {
    jobs_.wait(stop, [](const Jobs& jobs) { return !jobs.waiting.empty(); });
    std::list<Job> mine;
    std::list<std::stop_source>::iterator running;
    jobs_.with([&](Jobs& jobs) {
      if (jobs.waiting.empty()) return;
      mine.splice(mine.end(), jobs.waiting, jobs.waiting.begin());
      running = jobs.running.insert(jobs.running.end(), mine.front().stop);
    });
    if (mine.empty()) {
      if (stop.stop_requested()) return;
      continue;  // another thread was faster
    }
    Response response = perform(mine.front());
    jobs_.with([&](Jobs& jobs) {
      jobs.running.erase(running);
      statements().set(static_cast<double>(jobs.waiting.size() + jobs.running.size()));
    });
    mine.front().answer(std::move(response));
  }
}

Response StatementRunner::perform(const Job& job) const {
  const auto run = [&]() -> Result<query::Performed> {
    query::Command asked = TRY(query::parse_command(job.sql));
    if (job.stop.stop_requested()) return Error{.sqlstate = "57014", .message = "canceled"};
    return query::perform(std::move(asked), status_, commands_, job.stop.get_token());
  };
  const Result<query::Performed> performed = run();
  if (performed.ok()) return performed_response(*performed);
  const bool stopped = jobs_.with([](const Jobs& jobs) { return jobs.stopped; });
  return failed_response(stopped && performed.error().sqlstate == "57014" ? stopping()
                                                                          : performed.error());
}

}  // namespace freshet::http
