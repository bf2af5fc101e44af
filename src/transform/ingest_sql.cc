#include "transform/ingest_sql.h"

#include <fmt/core.h>

#include <algorithm>

#include "transform/sql_tree.h"

namespace freshet::transform {

namespace {

// `SELECT *` means the columns of the table.
void hide_ours(Json& star) {
  auto& excluded = star["exclude_list"];
  // Rockset's _meta, which queries there had to leave out.
  for (auto at = excluded.begin(); at != excluded.end();) {
    at = *at == "_meta" ? excluded.erase(at) : at + 1;
  }
  const auto hide = [&](std::string_view name) {
    if (std::ranges::find(excluded, Json(name)) == excluded.end()) excluded.push_back(name);
  };
  for (const std::string_view name : metadata_columns) hide(name);
  hide(row_column);
}

}  // namespace

Result<IngestSql> IngestSql::parse(engine::Connection& connection, std::string_view sql,
                                   std::string_view id) {
  Json tree = TRY(parse_select(connection, sql));
  Json& select = select_of(tree);
  if (!select["group_expressions"].empty() ||
      text_of(select, "aggregate_handling") != "STANDARD_HANDLING") {
    return refused("GROUP BY here");
  }
  if (!id.empty()) {
    const Json added = TRY(tree_of(connection, fmt::format("SELECT {} AS _id", id)));
    select["select_list"].push_back(added["statements"][0]["node"]["select_list"][0]);
  }

  IngestSql result;
  const std::string alias = alias_of(tree);
  result.from_ = "_input AS " + engine::quoted(alias);
  for (Json& item : select["select_list"]) {
    if (text_of(item, "class") == "STAR") {
      result.has_star_ = true;
      // SELECT * REPLACE (… AS name): that name is not the column any more.
      for (const Json& replaced : item["replace_list"]) {
        result.outputs_.push_back({text_of(replaced, "key"), {{}, {"*"}}});
      }
      continue;
    }
    std::string name = text_of(item, "alias");
    if (name.empty() && text_of(item, "class") == "COLUMN_REF") {
      name = item["column_names"].back().get<std::string>();
    }
    if (name.empty()) continue;
    result.outputs_.push_back(
        {name, {TRY(sql_of(connection, tree, item)), columns_of(item, alias)}});
  }
  TRY(walk(select, [](Json& node) -> Result<> {
    if (text_of(node, "class") == "STAR") hide_ours(node);
    return {};
  }));
  select["select_list"].push_back(column_reference({alias, std::string(row_column)}));
  result.rows_ = TRY(sql_of(connection, tree));
  return result;
}

const Expression* IngestSql::output(std::string_view name) const {
  const auto found = std::ranges::find_if(outputs_, [&](const Output& output) {
    return engine::folded(output.name) == engine::folded(name);
  });
  return found == outputs_.end() ? nullptr : &found->expression;
}

std::string IngestSql::select(const std::vector<std::string>& expressions) const {
  std::string list;
  for (const std::string& expression : expressions) list += (list.empty() ? "" : ", ") + expression;
  return "SELECT " + list + " FROM " + from_;
}

}  // namespace freshet::transform
