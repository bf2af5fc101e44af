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
  return std::holds_alternative<AlterCollection>(command) ? "ALTER COLLECTION" : "ALTER SOURCE";
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

}  // namespace freshet::query
