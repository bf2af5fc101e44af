// One statement that controls the server, for those who ask without a session, such as HTTP. Any
// thread.
#pragma once

#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "query/commands.h"
#include "query/status.h"

namespace freshet::query {

// What was done, and to what.
struct Performed {
  std::string tag;             // CREATE COLLECTION
  std::string source{};        // empty: nothing had to be done (DROP … IF EXISTS)
  std::string schema{};        // of the collection; empty for statements about a source
  std::string name{};          // the same
  std::vector<Error> notes{};  // for the client; not errors
};

// 42601 for no statement or several, 0A000 for queries and what only a session can answer, else as
// classify() has it.
Result<Command> parse_command(std::string_view sql);

// Names without a schema are looked for as a new session would. Fails as Commands::run() does.
Result<Performed> perform(Command asked, const Status& status, Commands& commands,
                          std::stop_token stop);

}  // namespace freshet::query
