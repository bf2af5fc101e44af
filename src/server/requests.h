// What clients ask of one source, on its way from their sessions to the stage that does it. It
// outlives the pipeline, which may be down for a while.
#pragma once

#include <algorithm>
#include <chrono>
#include <list>
#include <memory>
#include <optional>
#include <stop_token>
#include <utility>
#include <variant>
#include <vector>

#include "base/guarded.h"
#include "base/result.h"
#include "query/commands.h"

namespace freshet::server {

using Notes = std::vector<Error>;  // for the client; not errors

// Thread safe.
class Requests {
 public:
  // A request that a stage has taken; it must be answered.
  struct Asked {
    query::Command command;
    Guarded<std::optional<Result<Notes>>> outcome{};

    void answer(Result<Notes> result) {
      outcome.update([&](auto& empty) { empty = std::move(result); });
    }
  };

  // Hands the request over.
  std::shared_ptr<Asked> put(query::Command command);
  // Waits for its answer. 57014 when asked to stop; what a stage has taken is done nevertheless.
  Result<Notes> wait_for(const std::shared_ptr<Asked>& asked, std::stop_token stop);

  // The oldest request of these kinds (query::AlterCollection, …), if there is one.
  template <typename... Kinds>
  std::shared_ptr<Asked> take() {
    return waiting_.with([](Waiting& waiting) -> std::shared_ptr<Asked> {
      for (auto at = waiting.begin(); at != waiting.end(); ++at) {
        if (!(std::holds_alternative<Kinds>((*at)->command) || ...)) continue;
        std::shared_ptr<Asked> taken = std::move(*at);
        waiting.erase(at);
        return taken;
      }
      return nullptr;
    });
  }
  // The oldest that is about one collection.
  std::shared_ptr<Asked> take_for_collection() {
    return take<query::AlterCollection, query::CreateCollection, query::DropCollection>();
  }
  // The oldest of one kind, waiting for one up to the limit.
  template <typename Kind>
  std::shared_ptr<Asked> wait_for_one(std::stop_token stop, std::chrono::milliseconds limit) {
    waiting_.wait_for(std::move(stop), limit, [](const Waiting& waiting) {
      return std::ranges::any_of(waiting, [](const std::shared_ptr<Asked>& asked) {
        return std::holds_alternative<Kind>(asked->command);
      });
    });
    return take<Kind>();
  }
  // Waits for a request, up to the limit.
  void wait(std::stop_token stop, std::chrono::milliseconds limit) {
    waiting_.wait_for(std::move(stop), limit, [](const Waiting& all) { return !all.empty(); });
  }

 private:
  using Waiting = std::list<std::shared_ptr<Asked>>;
  Guarded<Waiting> waiting_;
};

}  // namespace freshet::server
