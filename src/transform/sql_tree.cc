#include "transform/sql_tree.h"

#include <fmt/core.h>

#include <algorithm>

namespace freshet::transform {

namespace {

using engine::literal;

constexpr const char* form = "A transformation is SELECT … FROM _input [WHERE …] [GROUP BY …].";

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

// One line of text in, one out, by a function of the engine.
Result<std::string> call(engine::Connection& connection, std::string_view function,
                         std::string_view argument) {
  const auto rows =
      TRY(connection.query(fmt::format("SELECT {}({})", function, literal(argument))));
  return rows.at(0).at(0).value_or("");
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
  const bool grouped = !select["group_expressions"].empty() ||
                       text_of(select, "aggregate_handling") == "FORCE_AGGREGATES";
  if (!is_null(select, "having") && !grouped) return refused("HAVING without GROUP BY");
  const auto& from = select["from_table"];
  const bool fits = text_of(from, "type") == "BASE_TABLE" &&
                    text_of(from, "table_name") == "_input" &&
                    text_of(from, "schema_name").empty() && is_null(from, "sample");
  if (!fits) return refused("another FROM than _input", from);
  return {};
}

}  // namespace

Error refused(const std::string& what, const Json& node) {
  Error error{.sqlstate = "0A000", .message = "a transformation cannot have " + what, .hint = form};
  // The parser's "no place" is the largest number there is.
  const auto place = node.is_object() && node.contains("query_location")
                         ? node["query_location"].get<std::uint64_t>()
                         : ~std::uint64_t{0};
  if (place < 1U << 30) error.position = static_cast<int>(place) + 1;
  return error;
}

Result<Json> tree_of(engine::Connection& connection, std::string_view sql) {
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

Result<Json> parse_select(engine::Connection& connection, std::string_view sql) {
  Json tree = TRY(tree_of(connection, sql));
  TRY(check_statement(select_of(tree)));
  TRY(walk(select_of(tree), check_node));
  return tree;
}

Result<std::string> sql_of(engine::Connection& connection, const Json& tree) {
  return call(connection, "json_deserialize_sql", tree.dump());
}

// What the engine makes of SELECT expression FROM _input, without the rest.
Result<std::string> sql_of(engine::Connection& connection, const Json& tree,
                           const Json& expression) {
  Json alone = tree;
  Json& select = select_of(alone);
  select["select_list"] = Json::array({expression});
  select["select_list"][0]["alias"] = "";
  select["where_clause"] = nullptr;
  select["group_expressions"] = Json::array();
  select["group_sets"] = Json::array();
  select["having"] = nullptr;
  select["aggregate_handling"] = "STANDARD_HANDLING";
  const std::string text = TRY(sql_of(connection, alone));
  constexpr std::size_t before = std::string_view("SELECT ").size();
  const std::size_t from = text.rfind(" FROM _input");
  return text.substr(before, from == std::string::npos ? from : from - before);
}

std::string alias_of(Json& tree) {
  const std::string alias = text_of(select_of(tree)["from_table"], "alias");
  return alias.empty() ? "_input" : alias;
}

std::string text_of(const Json& node, const char* field) {
  return node.contains(field) && node[field].is_string() ? node[field].get<std::string>()
                                                         : std::string();
}

bool is_null(const Json& node, const char* field) {
  return !node.contains(field) || node[field].is_null();
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

Json column_reference(const std::vector<std::string>& names) {
  Json reference = Json::parse(R"({"class":"COLUMN_REF","type":"COLUMN_REF","alias":""})");
  reference["query_location"] = 0;
  reference["column_names"] = names;
  return reference;
}

}  // namespace freshet::transform
