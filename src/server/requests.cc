#include "server/requests.h"

#include <utility>

namespace freshet::server {

Result<Notes> Requests::ask(query::Command command, std::stop_token stop) {
  const auto asked = std::make_shared<Asked>();
  asked->command = std::move(command);
  waiting_.update([&](Waiting& waiting) { waiting.push_back(asked); });
  if (asked->outcome.wait(stop, [](const auto& outcome) { return outcome.has_value(); })) {
    return *asked->outcome.get();
  }
  waiting_.with([&](Waiting& waiting) { waiting.remove(asked); });
  return Error{.sqlstate = "57014", .message = "canceling statement due to user request"};
}

}  // namespace freshet::server
