// What clients ask of the server, passed on to the source it is about.
#pragma once

#include <memory>
#include <vector>

#include "query/commands.h"
#include "server/supervisor.h"

namespace freshet::server {

// Thread safe; the supervisors are set once, before clients can ask.
class ServerCommands : public query::Commands {
 public:
  void control(const std::vector<std::unique_ptr<Supervisor>>& supervisors);

  Result<std::vector<Error>> run(const query::Command& command, std::stop_token stop) override;

 private:
  std::vector<Supervisor*> supervisors_;
};

}  // namespace freshet::server
