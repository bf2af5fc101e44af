// What is committed now, beside what a snapshot shows: an ordinary session that those who read
// under the snapshot share.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "base/guarded.h"
#include "base/result.h"
#include "postgres/connection.h"

namespace freshet::snapshot {

// Thread safe: one asks at a time.
class Present {
 public:
  explicit Present(std::string url) : url_(std::move(url)) {}

  // `action(connection)` returns a Result. The connection opens when it is first needed, and again
  // after an error.
  template <typename Action>
  auto ask(Action&& action) {
    using Answer = decltype(action(std::declval<postgres::Connection&>()));
    return connection_.with([&](std::unique_ptr<postgres::Connection>& connection) -> Answer {
      if (!connection) connection = TRY(postgres::Connection::connect(url_, {}));
      Answer answer = action(*connection);
      if (!answer.ok()) connection.reset();
      return answer;
    });
  }

 private:
  const std::string url_;
  Guarded<std::unique_ptr<postgres::Connection>> connection_;
};

}  // namespace freshet::snapshot
