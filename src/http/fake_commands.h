// Commands for the tests of this module: remember what they were asked for, and take as long as
// they are told to.
#pragma once

#include <optional>
#include <stop_token>
#include <vector>

#include "base/guarded.h"
#include "query/commands.h"

namespace freshet::http {

class FakeCommands final : public query::Commands {
 public:
  struct State {
    std::vector<query::Command> asked;
    int stopped = 0;    // that were asked to
    bool held = false;  // they run until this ends
    std::optional<Error> failure;
    std::vector<Error> notes;
  };
  Guarded<State> state;

  Result<std::vector<Error>> run(const query::Command& command, std::stop_token stop) override {
    state.update([&](State& now) { now.asked.push_back(command); });
    if (!state.wait(stop, [](const State& now) { return !now.held; })) {
      state.update([](State& now) { ++now.stopped; });
      return Error{.sqlstate = "57014", .message = "canceling statement due to user request"};
    }
    return state.with([](const State& now) -> Result<std::vector<Error>> {
      if (now.failure) return *now.failure;
      return now.notes;
    });
  }

  void hold(bool held) {
    state.update([&](State& now) { now.held = held; });
  }
  // False when it takes too long.
  bool wait_asked(std::size_t count) {
    return wait([&](const State& now) { return now.asked.size() >= count; });
  }
  bool wait_stopped(int count) {
    return wait([&](const State& now) { return now.stopped >= count; });
  }

 private:
  template <typename Condition>
  bool wait(Condition condition) {
    return state.wait_for({}, std::chrono::milliseconds(20'000), condition);
  }
};

}  // namespace freshet::http
