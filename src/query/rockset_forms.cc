#include "query/rockset_forms.h"

#include <algorithm>
#include <array>

namespace freshet::query {
namespace {

// The engine's name for an element type of PG_ARRAY_PARSE; empty for one we do not know.
std::string_view engine_element(std::string_view type) {
  struct Name {
    std::string_view rockset;
    std::string_view engine;
  };
  static constexpr std::array<Name, 29> names{{{"int", "BIGINT"},
                                               {"integer", "BIGINT"},
                                               {"int2", "BIGINT"},
                                               {"int4", "BIGINT"},
                                               {"int8", "BIGINT"},
                                               {"int64", "BIGINT"},
                                               {"smallint", "BIGINT"},
                                               {"bigint", "BIGINT"},
                                               {"float", "DOUBLE"},
                                               {"float4", "DOUBLE"},
                                               {"float8", "DOUBLE"},
                                               {"real", "DOUBLE"},
                                               {"double", "DOUBLE"},
                                               {"double precision", "DOUBLE"},
                                               {"numeric", "DECIMAL(38,10)"},
                                               {"decimal", "DECIMAL(38,10)"},
                                               {"bool", "BOOLEAN"},
                                               {"boolean", "BOOLEAN"},
                                               {"string", "VARCHAR"},
                                               {"text", "VARCHAR"},
                                               {"char", "VARCHAR"},
                                               {"varchar", "VARCHAR"},
                                               {"uuid", "UUID"},
                                               {"json", "JSON"},
                                               {"jsonb", "JSON"},
                                               {"date", "DATE"},
                                               {"time", "TIME"},
                                               {"timestamp", "TIMESTAMP"},
                                               {"timestamptz", "TIMESTAMPTZ"}}};
  const auto found = std::ranges::find(names, type, &Name::rockset);
  return found == names.end() ? std::string_view() : found->engine;
}

class Forms {
 public:
  explicit Forms(const std::vector<Token>& tokens) : tokens_(tokens) {}

  std::vector<Edit> run() {
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      const Token& token = tokens_[i];
      if (token.kind == TokenKind::Word) word(i);
      if (token.is("*")) star(i);
    }
    return std::move(edits_);
  }

 private:
  bool is(std::size_t i, std::string_view word) const {
    return i < tokens_.size() && tokens_[i].is(word);
  }
  void replace(std::size_t i, std::string text) {
    edits_.push_back({tokens_[i].begin, tokens_[i].end(), std::move(text)});
  }

  void word(std::size_t i) {
    const Token& token = tokens_[i];
    if (token.is("undefined") && i > 0 &&
        (is(i - 1, "is") || (i > 1 && is(i - 1, "not") && is(i - 2, "is")))) {
      return replace(i, "NULL");
    }
    if (!is(i + 1, "(") || (i > 0 && is(i - 1, "."))) return;
    if (token.is("static_cast")) return replace(i, "CAST");
    if (token.is("try_static_cast")) return replace(i, "TRY_CAST");
    if (token.is("pg_array_parse")) return array_parse(i);
    if (token.is("hint")) return hint(i);
    if (token.is("unnest")) return unnest(i);
    if (is_any(token, {"current_timestamp", "current_time", "date", "time", "timestamp"})) call(i);
  }

  // SELECT * EXCEPT (a): a set operation would go on with a query.
  void star(std::size_t i) {
    if (!is(i + 1, "except") || !is(i + 2, "(") || i + 3 >= tokens_.size()) return;
    if (is_any(tokens_[i + 3], {"select", "with", "values", "table", "from", "("})) return;
    replace(i + 1, "EXCLUDE");
  }

  // A keyword of the grammar, quoted so that it is a function; unless it is a type: x::time(3).
  void call(std::size_t i) {
    if (i > 0 && is_any(tokens_[i - 1], {"as", "::", "without", "with"})) return;
    const std::size_t close = matching_close(tokens_, i + 1);
    const bool precision = close == i + 3 && tokens_[i + 2].kind == TokenKind::Number;
    if (precision && !tokens_[i].is("date")) return;
    // Even quoted, the grammar keeps this name for itself.
    replace(i, tokens_[i].is("date") ? "date_of" : '"' + lower(tokens_[i].text) + '"');
  }

  void array_parse(std::size_t i) {
    const std::size_t close = matching_close(tokens_, i + 1);
    if (close >= tokens_.size() || close < i + 5 || !is(close - 2, ",")) return;
    const Token& type = tokens_[close - 1];
    if (type.kind != TokenKind::String) return;
    std::string element = lower(type.string_value());
    std::string dimensions;
    while (element.ends_with("[]")) {
      element.resize(element.size() - 2);
      dimensions += "[]";
    }
    const std::string_view engine = engine_element(element);
    if (engine.empty() || dimensions.empty()) return;
    replace(i, "CAST(pg_array_text");
    edits_.push_back({tokens_[close - 2].begin, tokens_[close].end(),
                      ") AS " + std::string(engine) + dimensions + ")"});
  }

  // UNNEST(values AS label [WITH ORDINALITY AS place]) [AS] alias → UNNEST(values) [WITH
  // ORDINALITY] AS alias(label, place). Of json, too: list_concat makes a list of it.
  void unnest(std::size_t i) {
    const std::size_t close = matching_close(tokens_, i + 1);
    const std::size_t as = name_of_values(tokens_, i + 1);
    if (close >= tokens_.size() || as + 1 >= close || !tokens_[as + 1].is_name()) return;
    const bool counted = as + 5 < close + 1 && is(as + 2, "with") && is(as + 3, "ordinality") &&
                         is(as + 4, "as") && as + 6 == close;
    if (!counted && as + 2 != close) return;
    std::string names = "(" + std::string(tokens_[as + 1].text);
    if (counted) names += ", " + std::string(tokens_[as + 5].text);
    std::size_t alias = is(close + 1, "as") ? close + 2 : close + 1;
    const bool has_alias =
        alias < tokens_.size() && tokens_[alias].is_name() &&
        !is_any(tokens_[alias], {"where", "group", "order", "limit", "cross", "join", "left",
                                 "inner", "on", "having", "union"});
    replace(i + 1, "(list_concat(");
    edits_.push_back(
        {tokens_[as].begin, tokens_[close].end(), counted ? ")) WITH ORDINALITY" : "))"});
    const std::size_t behind = has_alias ? tokens_[alias].end() : tokens_[close].end();
    edits_.push_back({behind, behind, (has_alias ? "" : " AS unnested") + names + ")"});
  }

  // Advice for another planner, behind what is read.
  void hint(std::size_t i) {
    const bool behind_relation = i > 0 && (tokens_[i - 1].is_name() || tokens_[i - 1].is(")")) &&
                                 !is_any(tokens_[i - 1], {"select", "where", "and", "or", "on",
                                                          "by", "when", "then", "else"});
    const std::size_t close = matching_close(tokens_, i + 1);
    if (!behind_relation || close >= tokens_.size()) return;
    edits_.push_back({tokens_[i].begin, tokens_[close].end(), ""});
  }

  const std::vector<Token>& tokens_;
  std::vector<Edit> edits_;
};

}  // namespace

std::size_t name_of_values(const std::vector<Token>& tokens, std::size_t open) {
  const std::size_t close = matching_close(tokens, open);
  std::size_t depth = 0;
  for (std::size_t at = open + 1; at < close; ++at) {
    if (is_any(tokens[at], {"(", "["})) ++depth;
    if (is_any(tokens[at], {")", "]"})) --depth;
    if (depth == 0 && tokens[at].is("as")) return at;
  }
  return close;
}

std::vector<Edit> rockset_forms(const std::vector<Token>& tokens) {
  return Forms(tokens).run();
}

}  // namespace freshet::query
