#include "query/json_forms.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace freshet::query {
namespace {

struct Form {
  std::string_view name;
  std::string_view engine;
  bool pairs;  // every second argument is a value, the others are keys
};

constexpr std::array<Form, 14> forms{{{"json_object", "json_object", true},
                                      {"json_build_object", "json_object", true},
                                      {"jsonb_build_object", "json_object", true},
                                      {"json_array", "json_array", false},
                                      {"json_build_array", "json_array", false},
                                      {"jsonb_build_array", "json_array", false},
                                      {"json_group_array", "list", false},
                                      {"json_agg", "list", false},
                                      {"jsonb_agg", "list", false},
                                      {"json_group_object", "json_group_object", true},
                                      {"json_object_agg", "json_group_object", true},
                                      {"jsonb_object_agg", "json_group_object", true},
                                      {"to_jsonb", "to_json", false},
                                      {"json_quote", "to_json", false}}};

const Form* form_of(const Token& token) {
  const auto* const found =
      std::ranges::find_if(forms, [&](const Form& form) { return token.is(form.name); });
  return found == forms.end() ? nullptr : found;
}

class Arguments {
 public:
  Arguments(const std::vector<Token>& tokens, std::size_t open, std::size_t close,
            std::vector<Edit>& edits)
      : tokens_(tokens), open_(open), close_(close), edits_(edits) {}

  void wrap(const Form& form) {
    std::size_t number = 0;
    std::size_t begin = open_ + 1;
    std::size_t depth = 0;
    for (std::size_t at = begin; at <= close_; ++at) {
      if (is_any(tokens_[at], {"(", "["})) ++depth;
      if (at == close_ || (depth == 0 && tokens_[at].is(","))) {
        if (begin < at && (!form.pairs || number % 2 == 1)) value(begin, at - 1);
        ++number;
        begin = at + 1;
      } else if (is_any(tokens_[at], {")", "]"})) {
        --depth;
      }
    }
  }

 private:
  void value(std::size_t first, std::size_t last) {
    edits_.push_back({tokens_[first].begin, tokens_[first].begin, "to_json("});
    edits_.push_back({tokens_[last].end(), tokens_[last].end(), ")"});
  }

  const std::vector<Token>& tokens_;
  std::size_t open_;
  std::size_t close_;
  std::vector<Edit>& edits_;
};

// The last token of an aggregate whose arguments end at `close`, with its FILTER and OVER.
std::size_t end_of_aggregate(const std::vector<Token>& tokens, std::size_t close) {
  std::size_t last = close;
  for (const std::string_view word : {"filter", "over"}) {
    if (last + 2 >= tokens.size() || !tokens[last + 1].is(word)) continue;
    last = tokens[last + 2].is("(") ? matching_close(tokens, last + 2) : last + 2;
  }
  return std::min(last, tokens.size() - 1);
}

// json_agg(x ORDER BY y) → to_json(list(x ORDER BY y)): null where there are no rows, as there.
void list_of(const std::vector<Token>& tokens, std::size_t name, std::size_t close,
             std::vector<Edit>& edits) {
  edits.push_back({tokens[name].begin, tokens[name].end(), "to_json(list"});
  const std::size_t end = tokens[end_of_aggregate(tokens, close)].end();
  edits.push_back({end, end, ")"});
}

}  // namespace

std::vector<Edit> json_forms(const std::vector<Token>& tokens) {
  std::vector<Edit> edits;
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    if (tokens[i].kind != TokenKind::Word || !tokens[i + 1].is("(")) continue;
    const Form* const form = form_of(tokens[i]);
    const bool qualified = i > 0 && tokens[i - 1].is(".");
    const std::size_t close = matching_close(tokens, i + 1);
    if (form == nullptr || qualified || close >= tokens.size()) continue;
    if (form->engine == "list") {
      list_of(tokens, i, close, edits);
      continue;
    }
    if (form->engine != form->name) {
      edits.push_back({tokens[i].begin, tokens[i].end(), std::string(form->engine)});
    }
    if (form->engine != "to_json") Arguments(tokens, i + 1, close, edits).wrap(*form);
  }
  return edits;
}

}  // namespace freshet::query
