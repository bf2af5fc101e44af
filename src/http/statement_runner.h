// Runs statements away from the thread that serves connections: a statement may wait for the source
// that it is about, and health has to be answered meanwhile.
//
// A few at once, a few more waiting; who comes on top is refused.
#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/guarded.h"
#include "base/result.h"
#include "http/routes.h"
#include "query/commands.h"
#include "query/status.h"

namespace freshet::http {

// Thread safe.
class StatementRunner {
 public:
  struct Options {
    int at_once_max = 4;
    std::size_t waiting_max = 16;
  };
  using Answer = std::function<void(Response)>;

  // What it is given outlives it.
  StatementRunner(const query::Status& status, query::Commands& commands, Options options);
  ~StatementRunner();  // stops

  // `answer` is called once, by a thread of ours. What comes back stops the statement. 53300 when
  // there are too many, 57P01 once it stops; then `answer` is not called.
  Result<std::stop_source> run(std::string sql, Answer answer);
  // Stops all statements, also those that wait, and returns when they are answered (57P01).
  void stop();

 private:
  struct Job {
    std::string sql;
    Answer answer;
    std::stop_source stop{};
  };
  struct Jobs {
    std::list<Job> waiting;
    std::list<std::stop_source> running;
    bool stopped = false;
  };

  void work(std::stop_token stop);
  Response perform(const Job& job) const;

  const query::Status& status_;
  query::Commands& commands_;
  const Options options_;
  Guarded<Jobs> jobs_;
  std::vector<std::jthread> threads_;  // last: destroyed first
};

}  // namespace freshet::http
