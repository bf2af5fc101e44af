// The engine's parse tree of a transformation, as the JSON of json_serialize_sql(). Included by few
// files only: the JSON library is heavy.
#pragma once

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/connection.h"

namespace freshet::transform {

using Json = nlohmann::json;

// 0A000 with the place of `node`, where it has one.
Error refused(const std::string& what, const Json& node = {});

// A whole statement, which has been checked to be a SELECT over _input and nothing that looks
// beyond one row, but for GROUP BY and aggregates.
Result<Json> parse_select(engine::Connection& connection, std::string_view sql);
// Any one statement.
Result<Json> tree_of(engine::Connection& connection, std::string_view sql);
// The tree as SQL again.
Result<std::string> sql_of(engine::Connection& connection, const Json& tree);
// One expression of the tree as SQL.
Result<std::string> sql_of(engine::Connection& connection, const Json& tree,
                           const Json& expression);

inline Json& select_of(Json& tree) {
  return tree["statements"][0]["node"];
}
// What _input is called in it.
std::string alias_of(Json& tree);
std::string text_of(const Json& node, const char* field);
bool is_null(const Json& node, const char* field);
// The columns of _input that an expression reads; * for a star.
std::set<std::string> columns_of(Json expression, const std::string& alias);
Json column_reference(const std::vector<std::string>& names);

// Calls `visit` for every object of the tree, from the top down.
template <typename Visit>
Result<> walk(Json& node, Visit&& visit) {
  if (node.is_object()) TRY(visit(node));
  if (node.is_structured()) {
    for (auto& child : node) TRY(walk(child, visit));
  }
  return {};
}

}  // namespace freshet::transform
