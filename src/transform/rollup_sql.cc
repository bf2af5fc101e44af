#include "transform/rollup_sql.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <set>

#include "transform/ingest_sql.h"
#include "transform/sql_tree.h"

namespace freshet::transform {

namespace {

// Macros of ours that stand for aggregates (engine/rockset_macros.cc).
constexpr std::array aggregate_macros = {"approx_distinct", "approx_percentile", "every",
                                         "bitwise_and_agg", "bitwise_or_agg",    "map_agg",
                                         "hmap_agg",        "object_agg"};

// The same expression, wherever it stands and however its columns are written. `alias`: what _input
// is called.
Json plain(Json node, const std::string& alias) {
  ignore(walk(node, [&](Json& each) -> Result<> {
    each.erase("query_location");
    if (text_of(each, "class") != "COLUMN_REF") return {};
    Json& names = each["column_names"];
    for (Json& name : names) name = engine::folded(name.get<std::string>());
    if (names.size() > 1 && names[0] == engine::folded(alias)) names.erase(names.begin());
    return {};
  }));
  if (node.is_object()) node["alias"] = "";
  return node;
}

class Splitter {
 public:
  Splitter(engine::Connection& connection, Json tree)
      : connection_(connection), tree_(std::move(tree)), alias_(alias_of(tree_)) {}

  Result<std::optional<RollupSql>> split() {
    Json& select = select_of(tree_);
    const bool all = text_of(select, "aggregate_handling") == "FORCE_AGGREGATES";
    if (select["group_expressions"].empty() && !all) return std::optional<RollupSql>();
    if (select["group_sets"].size() > 1) return refused("GROUPING SETS, ROLLUP or CUBE");
    TRY(read_functions());
    TRY(find_groups(select, all));
    if (groups_.empty()) return refused("GROUP BY without an expression");
    RollupSql result;
    for (Json item : select["select_list"]) {
      if (text_of(item, "class") == "STAR") return refused("* beside GROUP BY", item);
      const std::string name = TRY(name_of(item));
      item["alias"] = "";
      TRY(reduce(item));
      TRY(check_reduced(item));
      if (name == "_event_time") result.time_of_group = is_of_group(item);
      const std::string expression = TRY(sql_of(connection_, tree_, item));
      result.results += fmt::format("{}{} AS {}", result.results.empty() ? "" : ", ", expression,
                                    engine::quoted(name));
    }
    if (Json having = select["having"]; !having.is_null()) {
      TRY(reduce(having));
      TRY(check_reduced(having));
      result.having = TRY(sql_of(connection_, tree_, having));
    }
    result.groups = groups_.size();
    result.arguments = arguments_.size();
    result.aggregates = std::move(aggregates_);
    TRY(make_row_sql(result));
    return std::optional(std::move(result));
  }

 private:
  // Which of the statement's functions are aggregates, and that the others always give the same.
  Result<> read_functions() {
    std::string names;
    TRY(walk(select_of(tree_), [&](Json& node) -> Result<> {
      if (text_of(node, "type") == "FUNCTION") {
        names += (names.empty() ? "" : ", ") + engine::literal(text_of(node, "function_name"));
      }
      for (const std::string_view metadata : metadata_columns) {
        const bool read = text_of(node, "class") == "COLUMN_REF" &&
                          node["column_names"].back() == std::string(metadata);
        if (read) return refused("metadata of single rows beside GROUP BY", node);
      }
      return {};
    }));
    if (names.empty()) return {};
    const auto rows = TRY(connection_.query(
        "SELECT function_name, bool_or(function_type = 'aggregate'), bool_and(stability IN "
        "('VOLATILE', 'CONSISTENT_WITHIN_QUERY')) FROM duckdb_functions() WHERE function_name IN "
        "(" +
        names + ") GROUP BY 1"));
    for (const auto& row : rows) {
      if (row.at(1) == "true") aggregate_names_.insert(row.at(0).value_or(""));
      if (row.at(2) != "true") continue;
      return refused("function " + row.at(0).value_or("") +
                     " beside GROUP BY: it gives something else each time");
    }
    aggregate_names_.insert(aggregate_macros.begin(), aggregate_macros.end());
    return {};
  }

  bool is_aggregate(const Json& node) const {
    return text_of(node, "type") == "FUNCTION" &&
           aggregate_names_.contains(text_of(node, "function_name"));
  }
  bool has_aggregate(Json node) const {
    return !walk(node, [&](const Json& each) -> Result<> {
              if (is_aggregate(each)) return Error{};
              return {};
            }).ok();
  }

  // GROUP BY 1, GROUP BY alias and GROUP BY ALL mean items of the select list.
  Result<> find_groups(const Json& select, bool all) {
    const Json& items = select["select_list"];
    if (all) {
      for (const Json& item : items) {
        if (!has_aggregate(item)) groups_.push_back(plain(item, alias_));
      }
      return {};
    }
    for (const Json& group : select["group_expressions"]) {
      const bool is_constant = text_of(group, "class") == "CONSTANT";
      if (is_constant && group["value"]["value"].is_number_unsigned()) {
        const auto ordinal = group["value"]["value"].get<std::size_t>();
        if (ordinal == 0 || ordinal > items.size()) {
          return Error{
              .sqlstate = "42P10",
              .message = fmt::format("GROUP BY position {} is not in select list", ordinal)};
        }
        groups_.push_back(plain(items[ordinal - 1], alias_));
        continue;
      }
      const Json* named = &group;
      if (text_of(group, "class") == "COLUMN_REF" && group["column_names"].size() == 1) {
        for (const Json& item : items) {
          const std::string alias = text_of(item, "alias");
          const std::string name = group["column_names"][0].get<std::string>();
          if (!alias.empty() && engine::folded(alias) == engine::folded(name)) named = &item;
        }
      }
      groups_.push_back(plain(*named, alias_));
    }
    return {};
  }

  static Result<std::string> name_of(const Json& item) {
    std::string name = text_of(item, "alias");
    if (name.empty() && text_of(item, "class") == "COLUMN_REF") {
      name = item["column_names"].back().get<std::string>();
    }
    if (name.empty()) name = text_of(item, "function_name");
    if (!name.empty()) return name;
    Error error = refused("a result without a name", item);
    error.hint = "Give it one with AS.";
    return error;
  }

  // Puts g0, … and f0, … in the place of groups and aggregates.
  Result<> reduce(Json& node) {
    const Json normal = node.is_object() ? plain(node, alias_) : Json();
    if (const auto group = std::ranges::find(groups_, normal);
        node.is_object() && group != groups_.end()) {
      node = reference("g", static_cast<std::size_t>(group - groups_.begin()), node);
      return {};
    }
    if (is_aggregate(node)) {
      node = reference("f", TRY(aggregate(node)), node);
      return {};
    }
    if (node.is_structured()) {
      for (auto& child : node) TRY(reduce(child));
    }
    return {};
  }

  static Json reference(const char* kind, std::size_t number, const Json& instead_of) {
    Json made = column_reference({fmt::format("{}{}", kind, number)});
    made["alias"] = text_of(instead_of, "alias");
    return made;
  }

  Result<> check_reduced(Json item) const {
    return walk(item, [&](const Json& node) -> Result<> {
      if (text_of(node, "class") != "COLUMN_REF") return {};
      const std::string name = node["column_names"].back().get<std::string>();
      const bool ours = (name.starts_with('g') || name.starts_with('f')) && name.size() > 1 &&
                        name.find_first_not_of("0123456789", 1) == std::string::npos &&
                        node["column_names"].size() == 1 && node["query_location"] == 0;
      if (ours) return {};
      Error error = refused("", node);
      error.sqlstate = "42803";
      error.message = fmt::format(
          "column {} must appear in the GROUP BY clause or be used in an aggregate function",
          engine::quoted(name));
      return error;
    });
  }

  // Of a reduced item: whether it reads no aggregate.
  static bool is_of_group(Json item) {
    return walk(item,
                [](const Json& node) -> Result<> {
                  const bool aggregate =
                      text_of(node, "class") == "COLUMN_REF" &&
                      node["column_names"].back().get<std::string>().starts_with('f');
                  return aggregate ? Result<>(Error{}) : Result<>();
                })
        .ok();
  }

  // The number of the aggregate, which is new or known.
  Result<std::size_t> aggregate(Json node) {
    const std::string function = text_of(node, "function_name");
    if (!node["order_bys"]["orders"].empty()) return refused("ORDER BY in an aggregate", node);
    const bool distinct = node.value("distinct", false);
    const Json filter = node["filter"];
    node["filter"] = nullptr;
    node["alias"] = "";
    Json& children = node["children"];
    Aggregate made{.function = function, .sql = {}};
    const bool simple = !distinct && children.size() <= 1 &&
                        (function == "count" || function == "count_star" || function == "sum" ||
                         function == "avg" || function == "mean");
    if (simple && children.empty() && filter.is_null()) {
      made.can_be_undone = true;
      made.function = "count_star";
    } else if (simple) {
      // With a filter: what does not pass it counts as null.
      Json counted = children.empty() ? Json() : children[0];
      made.argument = TRY(argument_of(counted, filter));
      made.can_be_undone = true;
      if (function == "count_star") made.function = "count";
      if (function == "mean") made.function = "avg";
    } else {
      for (Json& child : children) {
        if (text_of(child, "class") == "CONSTANT") continue;
        const std::size_t argument = TRY(argument_of(child, Json()));
        if (!made.argument) made.argument = argument;
        child = column_reference({fmt::format("a{}", argument)});
      }
      made.sql = TRY(sql_of(connection_, tree_, node));
      if (!filter.is_null()) {
        made.sql += fmt::format(" FILTER (WHERE a{})", TRY(argument_of(filter, Json())));
      }
    }
    const auto same = std::ranges::find_if(aggregates_, [&](const Aggregate& each) {
      return each.function == made.function && each.argument == made.argument &&
             each.sql == made.sql;
    });
    if (same != aggregates_.end()) return static_cast<std::size_t>(same - aggregates_.begin());
    aggregates_.push_back(std::move(made));
    return aggregates_.size() - 1;
  }

  Result<std::size_t> argument_of(const Json& expression, const Json& filter) {
    std::string sql = expression.is_null() ? "1" : TRY(sql_of(connection_, tree_, expression));
    if (!filter.is_null()) {
      const std::string condition = TRY(sql_of(connection_, tree_, filter));
      sql = fmt::format("CASE WHEN {} THEN {} END", condition, sql);
    }
    const auto same = std::ranges::find(arguments_, sql);
    if (same != arguments_.end()) return static_cast<std::size_t>(same - arguments_.begin());
    arguments_.push_back(std::move(sql));
    return arguments_.size() - 1;
  }

  Result<> make_row_sql(RollupSql& result) {
    std::string list;
    std::string fields;
    const auto add = [&](const std::string& expression, const std::string& name) {
      list += fmt::format("{}{} AS {}", list.empty() ? "" : ", ", expression, name);
      fields += fmt::format(", {} := {}", name, expression);
    };
    for (std::size_t i = 0; i < groups_.size(); ++i) {
      add(TRY(sql_of(connection_, tree_, groups_[i])), fmt::format("g{}", i));
    }
    for (std::size_t i = 0; i < arguments_.size(); ++i) add(arguments_[i], fmt::format("a{}", i));
    const std::string from = " FROM _input AS " + engine::quoted(alias_);
    result.row = "SELECT " + list + from;
    std::string condition = "true";
    if (const Json& where = select_of(tree_)["where_clause"]; !where.is_null()) {
      condition = TRY(sql_of(connection_, tree_, where));
      result.row += " WHERE " + condition;
    }
    result.guarded_row = "SELECT TRY(struct_pack(keep := coalesce(" + condition + ", false)" +
                         fields + ")) AS r" + from;
    return {};
  }

  engine::Connection& connection_;
  Json tree_;
  std::string alias_;
  std::set<std::string> aggregate_names_;
  std::vector<Json> groups_;
  std::vector<std::string> arguments_;
  std::vector<Aggregate> aggregates_;
};

}  // namespace

Result<std::optional<RollupSql>> parse_rollup(engine::Connection& connection,
                                              std::string_view sql) {
  return Splitter(connection, TRY(parse_select(connection, sql))).split();
}

}  // namespace freshet::transform
