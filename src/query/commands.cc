#include "query/commands.h"

#include <algorithm>

#include "query/tokens.h"

namespace freshet::query {
namespace {

Error about(const Word& word, std::string sqlstate, std::string message, std::string hint) {
  return {.sqlstate = std::move(sqlstate),
          .message = std::move(message),
          .hint = std::move(hint),
          .position = word.position};
}

}  // namespace

std::string_view tag_of(const Command& command) {
  if (std::holds_alternative<AlterCollection>(command)) return "ALTER COLLECTION";
  if (std::holds_alternative<CreateCollection>(command)) return "CREATE COLLECTION";
  if (std::holds_alternative<DropCollection>(command)) return "DROP COLLECTION";
  return "ALTER SOURCE";
}

Result<AlterCollection> resolve(AlterCollection asked, const std::vector<TableStatus>& tables,
                                const std::vector<std::string>& search_path) {
  const std::vector<std::string> schemas =
      asked.schema.empty() ? search_path : std::vector<std::string>{asked.schema};
  for (const std::string& schema : schemas) {
    std::vector<const TableStatus*> found;
    for (const TableStatus& table : tables) {
      const bool meant = equal_without_case(table.schema, schema) &&
                         equal_without_case(table.name, asked.name.text) &&
                         (asked.source.empty() || table.source == asked.source);
      if (meant) found.push_back(&table);
    }
    if (found.empty()) continue;
    if (found.size() > 1) {
      return about(asked.name, "42P09",
                   "collection \"" + asked.name.text + "\" is ambiguous: several sources have it",
                   "Name the source too: " + found.front()->source + "." + found.front()->schema +
                       "." + found.front()->name + ".");
    }
    asked.source = found.front()->source;
    asked.schema = found.front()->schema;
    asked.name.text = found.front()->name;
    return asked;
  }
  const std::string name =
      asked.schema.empty() ? asked.name.text : asked.schema + "." + asked.name.text;
  return about(asked.name, "42P01", "collection \"" + name + "\" does not exist",
               "SELECT source, schema, name, state FROM freshet.tables lists what there is.");
}

Result<CreateCollection> resolve(CreateCollection asked, const std::vector<TableStatus>& tables,
                                 const std::vector<std::string>& search_path) {
  AlterCollection table = TRY(resolve(
      AlterCollection{.source = asked.source, .schema = asked.table_schema, .name = asked.table},
      tables, search_path));
  asked.source = std::move(table.source);
  asked.table_schema = std::move(table.schema);
  asked.table.text = std::move(table.name.text);
  if (asked.schema.empty()) asked.schema = asked.table_schema;
  return asked;
}

Result<std::optional<DropCollection>> resolve(DropCollection asked,
                                              const std::vector<TableStatus>& tables,
                                              const std::vector<std::string>& search_path) {
  auto found =
      resolve(AlterCollection{.source = asked.source, .schema = asked.schema, .name = asked.name},
              tables, search_path);
  if (!found.ok()) {
    if (asked.if_exists && found.error().sqlstate == "42P01") {
      return std::optional<DropCollection>();
    }
    return found.error();
  }
  asked.source = std::move(found->source);
  asked.schema = std::move(found->schema);
  asked.name.text = std::move(found->name.text);
  return std::optional(std::move(asked));
}

Result<std::optional<Command>> resolve(Command asked, const std::vector<TableStatus>& tables,
                                       const std::vector<std::string>& search_path) {
  if (auto* altered = std::get_if<AlterCollection>(&asked)) {
    *altered = TRY(resolve(std::move(*altered), tables, search_path));
  } else if (auto* created = std::get_if<CreateCollection>(&asked)) {
    *created = TRY(resolve(std::move(*created), tables, search_path));
  } else if (auto* dropped = std::get_if<DropCollection>(&asked)) {
    auto found = TRY(resolve(std::move(*dropped), tables, search_path));
    if (!found) return std::optional<Command>();
    *dropped = std::move(*found);
  }
  return std::optional(std::move(asked));
}

}  // namespace freshet::query
