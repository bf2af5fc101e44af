#include "query/command_statement.h"

#include <algorithm>
#include <utility>

#include "query/control.h"
#include "query/settings.h"

namespace freshet::query {
namespace {

// Fills in which collection or source it was.
void name_subject(const Command& command, Performed& performed) {
  const auto collection = [&](const auto& about) {
    performed.source = about.source;
    performed.schema = about.schema;
    performed.name = about.name.text;
  };
  if (const auto* altered = std::get_if<AlterCollection>(&command)) collection(*altered);
  if (const auto* created = std::get_if<CreateCollection>(&command)) collection(*created);
  if (const auto* dropped = std::get_if<DropCollection>(&command)) collection(*dropped);
  if (const auto* source = std::get_if<AlterSource>(&command)) performed.source = source->name.text;
  if (const auto* source = std::get_if<ResyncSource>(&command))
    performed.source = source->name.text;
}

}  // namespace

Result<Command> parse_command(std::string_view sql) {
  std::vector<Token> tokens = tokenize(sql);
  while (!tokens.empty() && tokens.back().is(";")) tokens.pop_back();
  if (tokens.empty()) return Error{.sqlstate = "42601", .message = "there is no statement"};
  if (const auto second =
          std::ranges::find_if(tokens, [](const Token& token) { return token.is(";"); });
      second != tokens.end()) {
    return Error{.sqlstate = "42601",
                 .message = "more than one statement",
                 .hint = "Send one at a time.",
                 .position = static_cast<int>(second->begin) + 1};
  }
  Control control = TRY(classify(sql.substr(0, tokens.back().end()), tokens));
  if (auto* command = std::get_if<Command>(&control)) return std::move(*command);
  return Error{.sqlstate = "0A000",
               .message = "only statements that control the server are taken here",
               .hint = "Queries, settings and transactions go over the PostgreSQL protocol."};
}

Result<Performed> perform(Command asked, const Status& status, Commands& commands,
                          std::stop_token stop) {
  Performed performed{.tag = std::string(tag_of(asked))};
  const auto meant = TRY(resolve(std::move(asked), status.tables(), Settings().search_path()));
  if (!meant) return performed;
  performed.notes = TRY(commands.run(*meant, std::move(stop)));
  name_subject(*meant, performed);
  return performed;
}

}  // namespace freshet::query
