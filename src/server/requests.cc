#include "server/requests.h"

#include <utility>

namespace freshet::server {

std::shared_ptr<Requests::Asked> Requests::put(query::Command command) {
  const auto asked = std::make_shared<Asked>();
  asked->command = std::move(command);
  waiting_.update([&](Waiting& waiting) { waiting.push_back(asked); });
  return asked;
}

Result<Notes> Requests::wait_for(const std::shared_ptr<Asked>& asked, std::stop_token stop) {
  if (asked->outcome.wait(stop, [](const auto& outcome) { return outcome.has_value(); })) {
    return *asked->outcome.get();
  }
  waiting_.with([&](Waiting& waiting) { waiting.remove(asked); });
  return Error{.sqlstate = "57014", .message = "canceling statement due to user request"};
}

}  // namespace freshet::server
