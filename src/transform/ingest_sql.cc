#include "transform/ingest_sql.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

namespace freshet::transform {

namespace {

using Json = nlohmann::json;
using engine::literal;

constexpr const char* form = "A transformation is SELECT … FROM _input [WHERE …].";

Error refused(const std::string& what, const Json& node = {}) {
  Error error{.sqlstate = "0A000", .message = "a transformation cannot have " + what, .hint = form};
  // The parser's "no place" is the largest number there is.
  const auto place = node.is_object() && node.contains("query_location")
                         ? node["query_location"].get<std::uint64_t>()
                         : ~std::uint64_t{0};
  if (place < 1U << 30) error.position = static_cast<int>(place) + 1;
  return error;
}

bool is_null(const Json& node, const char* field) {
  return !node.contains(field) || node[field].is_null();
}

// Rockset's spelling of EXCLUDE: * EXCEPT (a, b). Quoted text stays as it is; so do positions.
std::string with_exclude(std::string_view sql) {
  std::string result(sql);
  const auto skip_blanks = [&](std::size_t at) {
    while (at < result.size() && std::isspace(static_cast<unsigned char>(result[at])) != 0) ++at;
    return at;
  };
  for (std::size_t at = 0; at < result.size(); ++at) {
    if (result[at] == '\'' || result[at] == '"') {
      at = std::min(result.find(result[at], at + 1), result.size());
      continue;
    }
    if (result[at] != '*') continue;
    const std::size_t word = skip_blanks(at + 1);
    std::string found = result.substr(word, 6);
    std::ranges::transform(found, found.begin(),
                           [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    if (found != "EXCEPT") continue;
    const std::size_t open = skip_blanks(word + 6);
    if (open < result.size() && result[open] == '(') result.replace(word, 6, "EXCLUDE");
  }
  return result;
}

// Calls `visit` for every object of the tree, from the top down.
template <typename Visit>
Result<> walk(Json& node, Visit&& visit) {
  if (node.is_object()) TRY(visit(node));
  if (node.is_structured()) {
    for (auto& child : node) TRY(walk(child, visit));
  }
  return {};
}

std::string text_of(const Json& node, const char* field) {
  return node.contains(field) && node[field].is_string() ? node[field].get<std::string>()
                                                         : std::string();
}

Result<> check_node(const Json& node) {
  const std::string kind = text_of(node, "class");
  if (kind == "SUBQUERY") return refused("a subquery", node);
  if (kind == "WINDOW") return refused("a window function", node);
  if (kind == "PARAMETER") return refused("a parameter", node);
  if (text_of(node, "type") == "FUNCTION" && text_of(node, "function_name") == "given_rows") {
    return refused("this function", node);
  }
  return {};
}

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

std::set<std::string> columns_of(Json expression, const std::string& alias) {
  std::set<std::string> columns;
  ignore(walk(expression, [&](const Json& node) -> Result<> {
    if (text_of(node, "class") == "STAR") columns.insert("*");
    if (text_of(node, "class") != "COLUMN_REF") return {};
    const auto& names = node["column_names"];
    const bool qualified = names.size() > 1 && names[0] == alias;
    columns.insert(names[qualified ? 1 : 0].get<std::string>());
    return {};
  }));
  return columns;
}

// One line of text in, one out, by a function of the engine.
Result<std::string> call(engine::Connection& connection, std::string_view function,
                         std::string_view argument) {
  const auto rows =
      TRY(connection.query(fmt::format("SELECT {}({})", function, literal(argument))));
  return rows.at(0).at(0).value_or("");
}

Result<Json> tree_of(engine::Connection& connection, const std::string& sql) {
  Json tree = Json::parse(TRY(call(connection, "json_serialize_sql", sql)), nullptr, false);
  if (tree.is_discarded()) return Error{.message = "the engine's parser gave no tree"};
  if (tree.value("error", false)) {
    Error error{.sqlstate = "42601", .message = text_of(tree, "error_message"), .hint = form};
    const std::string position = text_of(tree, "position");
    if (!position.empty()) error.position = std::stoi(position) + 1;
    return error;
  }
  if (tree["statements"].size() != 1) return refused("more than one statement");
  return tree;
}

Result<> check_statement(const Json& select) {
  if (text_of(select, "type") != "SELECT_NODE") return refused("UNION, INTERSECT or EXCEPT");
  if (!select["cte_map"]["map"].empty()) return refused("WITH");
  for (const auto& modifier : select["modifiers"]) {
    return refused(text_of(modifier, "type") == "DISTINCT_MODIFIER" ? "DISTINCT"
                                                                    : "ORDER BY or LIMIT");
  }
  if (!is_null(select, "sample")) return refused("a sample");
  if (!is_null(select, "qualify")) return refused("QUALIFY");
  if (!select["group_expressions"].empty() || !is_null(select, "having") ||
      text_of(select, "aggregate_handling") != "STANDARD_HANDLING") {
    return refused("GROUP BY or HAVING");
  }
  const auto& from = select["from_table"];
  const bool fits = text_of(from, "type") == "BASE_TABLE" &&
                    text_of(from, "table_name") == "_input" &&
                    text_of(from, "schema_name").empty() && is_null(from, "sample");
  if (!fits) return refused("another FROM than _input", from);
  return {};
}

}  // namespace

Result<IngestSql> IngestSql::parse(engine::Connection& connection, std::string_view sql,
                                   std::string_view id) {
  Json tree = TRY(tree_of(connection, with_exclude(sql)));
  Json& select = tree["statements"][0]["node"];
  TRY(check_statement(select));
  if (!id.empty()) {
    const Json added = TRY(tree_of(connection, fmt::format("SELECT {} AS _id", id)));
    select["select_list"].push_back(added["statements"][0]["node"]["select_list"][0]);
  }
  TRY(walk(select, check_node));

  IngestSql result;
  std::string alias = text_of(select["from_table"], "alias");
  if (alias.empty()) alias = "_input";
  result.from_ = "_input AS " + engine::quoted(alias);
  // An expression alone, as SQL: what the engine makes of SELECT … without the SELECT.
  const auto sql_of = [&](const Json& expression) -> Result<std::string> {
    Json alone = tree;
    Json& its = alone["statements"][0]["node"];
    its["select_list"] = Json::array({expression});
    its["select_list"][0]["alias"] = "";
    its["where_clause"] = nullptr;
    const std::string text = TRY(call(connection, "json_deserialize_sql", alone.dump()));
    const std::size_t from = text.rfind(" FROM _input");
    return text.substr(7, from == std::string::npos ? from : from - 7);
  };
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
    result.outputs_.push_back({name, {TRY(sql_of(item)), columns_of(item, alias)}});
  }
  TRY(walk(select, [](Json& node) -> Result<> {
    if (text_of(node, "class") == "STAR") hide_ours(node);
    return {};
  }));
  Json row = Json::parse(R"({"class":"COLUMN_REF","type":"COLUMN_REF","alias":""})");
  row["query_location"] = 0;
  row["column_names"] = Json::array({alias, row_column});
  select["select_list"].push_back(row);
  result.rows_ = TRY(call(connection, "json_deserialize_sql", tree.dump()));
  return result;
}

const Expression* IngestSql::output(std::string_view name) const {
  const auto found = std::ranges::find(outputs_, name, &Output::name);
  return found == outputs_.end() ? nullptr : &found->expression;
}

std::string IngestSql::select(const std::vector<std::string>& expressions) const {
  std::string list;
  for (const std::string& expression : expressions) list += (list.empty() ? "" : ", ") + expression;
  return "SELECT " + list + " FROM " + from_;
}

}  // namespace freshet::transform
