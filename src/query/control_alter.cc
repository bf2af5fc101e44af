#include "query/control_alter.h"

#include <string>

#include "query/statement_reader.h"

namespace freshet::query {
namespace {

constexpr const char* collection_forms = "ALTER COLLECTION name PAUSE | RESUME | RESYNC";
constexpr const char* source_forms =
    "ALTER SOURCE name ADD TABLE pattern [, …] | DROP TABLE pattern [, …] | RESYNC";

Result<Command> parse_collection(StatementReader reader) {
  AlterCollection command;
  QualifiedName named = TRY(reader.qualified_name());
  command.source = std::move(named.source);
  command.schema = std::move(named.schema);
  command.name = std::move(named.name);
  if (reader.take("pause")) {
    command.action = AlterCollection::Action::Pause;
  } else if (reader.take("resume")) {
    command.action = AlterCollection::Action::Resume;
  } else if (reader.take("resync")) {
    command.action = AlterCollection::Action::Resync;
  } else {
    return reader.unexpected();
  }
  TRY(reader.done());
  return Command(std::move(command));
}

Result<Command> parse_source(StatementReader reader) {
  AlterSource command;
  command.name = TRY(reader.name());
  if (reader.take("resync")) {
    TRY(reader.done());
    return Command(ResyncSource{.name = std::move(command.name)});
  }
  if (reader.take("add")) {
    command.action = AlterSource::Action::AddTables;
  } else if (reader.take("drop")) {
    command.action = AlterSource::Action::DropTables;
  } else {
    return reader.unexpected();
  }
  if (!reader.take("table") && !reader.take("tables")) return reader.unexpected();
  do {
    command.patterns.push_back(TRY(reader.pattern()));
  } while (reader.take(","));
  TRY(reader.done());
  return Command(std::move(command));
}

}  // namespace

Result<std::optional<Command>> parse_alter(std::string_view sql, const std::vector<Token>& tokens) {
  const auto is = [&](const char* what) { return tokens.size() > 1 && tokens[1].is(what); };
  if (is("collection")) {
    return std::optional(TRY(parse_collection(StatementReader(sql, tokens, 2, collection_forms))));
  }
  if (is("source"))
    return std::optional(TRY(parse_source(StatementReader(sql, tokens, 2, source_forms))));
  return std::optional<Command>();
}

}  // namespace freshet::query
