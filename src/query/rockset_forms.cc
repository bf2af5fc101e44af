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

std::vector<Edit> rockset_forms(const std::vector<Token>& tokens) {
  return Forms(tokens).run();
}

}  // namespace freshet::query
