#include "server/commands.h"

#include <string>

namespace freshet::server {

namespace {

// Which source it is about, by name, and where the statement says so.
query::Word source_of(const query::Command& command) {
  if (const auto* source = std::get_if<query::AlterSource>(&command)) return source->name;
  if (const auto* source = std::get_if<query::ResyncSource>(&command)) return source->name;
  if (const auto* created = std::get_if<query::CreateCollection>(&command)) {
    return {.text = created->source, .position = created->table.position};
  }
  if (const auto* dropped = std::get_if<query::DropCollection>(&command)) {
    return {.text = dropped->source, .position = dropped->name.position};
  }
  const auto& collection = std::get<query::AlterCollection>(command);
  return {.text = collection.source, .position = collection.name.position};
}

}  // namespace

void ServerCommands::control(const std::vector<std::unique_ptr<Supervisor>>& supervisors) {
  for (const auto& supervisor : supervisors) supervisors_.push_back(supervisor.get());
}

Result<std::vector<Error>> ServerCommands::run(const query::Command& command,
                                               std::stop_token stop) {
  const query::Word wanted = source_of(command);
  std::string names;
  for (Supervisor* supervisor : supervisors_) {
    if (supervisor->source().name == wanted.text) return supervisor->ask(command, stop);
    names += (names.empty() ? "" : ", ") + supervisor->source().name;
  }
  return Error{.sqlstate = "42704",
               .message = "source \"" + wanted.text + "\" does not exist",
               .hint = "This server follows: " + names + ".",
               .position = wanted.position};
}

}  // namespace freshet::server
