#include "query/rewrite.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "engine/range_types.h"
#include "query/edit.h"
#include "query/json_forms.h"
#include "query/rockset_forms.h"

namespace freshet::query {
namespace {

bool is_literal(const Token& token) {
  return token.kind == TokenKind::String || token.kind == TokenKind::Number ||
         token.kind == TokenKind::Placeholder;
}

// Digits behind the point of a number's text; nothing when it is not a plain decimal.
std::optional<int> decimals(std::string_view number) {
  if (number.empty() || number.find_first_not_of("+-0123456789.") != std::string_view::npos)
    return {};
  const std::size_t point = number.find('.');
  return point == std::string_view::npos ? 0 : static_cast<int>(number.size() - point - 1);
}

// SIMILAR TO's pattern as a regular expression that has to match everything.
std::string similar_pattern(std::string_view pattern) {
  std::string regex;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '%') {
      regex += "(?s:.*)";
    } else if (c == '_') {
      regex += "(?s:.)";
    } else if (c == '.' || c == '^' || c == '$') {
      regex += std::string("\\") + c;
    } else if (c == '\\' && i + 1 < pattern.size()) {
      regex += std::string("\\") + pattern[++i];
    } else {
      regex.push_back(c);
    }
  }
  return regex;
}

std::string quoted_text(std::string_view text) {
  std::string result = "'";
  for (const char c : text) {
    result.push_back(c);
    if (c == '\'') result.push_back(c);
  }
  return result + "'";
}

// '{a,0}' of #>> as the engine's path: $."a"[0].
std::string json_path(std::string_view path) {
  std::string result = "$";
  if (path.size() < 2 || path.front() != '{') return std::string(path);
  path = path.substr(1, path.size() - 2);
  while (!path.empty()) {
    const std::size_t comma = path.find(',');
    const std::string_view step = path.substr(0, comma);
    const bool index = step.find_first_not_of("0123456789") == std::string_view::npos;
    result += index ? "[" + std::string(step) + "]" : ".\"" + std::string(step) + "\"";
    path = comma == std::string_view::npos ? std::string_view() : path.substr(comma + 1);
  }
  return result;
}

class Rewriter {
 public:
  Rewriter(const std::vector<Token>& tokens, const std::vector<std::string>& casts)
      : tokens_(tokens), casts_(casts) {}

  std::vector<Edit> run() {
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      switch (tokens_[i].kind) {
        case TokenKind::Word:
        case TokenKind::Quoted: name(i); break;
        case TokenKind::Operator: op(i); break;
        case TokenKind::Placeholder: parameter(i); break;
        case TokenKind::Mark:
          if (tokens_[i].is("::")) cast(i);
          if (tokens_[i].is("[")) subscript(i);
          break;
        case TokenKind::String:
        case TokenKind::Number:
        case TokenKind::Broken: break;
      }
    }
    // Behind the others: what is put after an operand stays inside what is made around it.
    for (Edit& edit : rockset_forms(tokens_)) edits_.push_back(std::move(edit));
    for (Edit& edit : json_forms(tokens_)) edits_.push_back(std::move(edit));
    std::ranges::stable_sort(edits_, {}, &Edit::begin);
    return std::move(edits_);
  }

 private:
  bool has(std::size_t i) const { return i < tokens_.size(); }
  bool is(std::size_t i, std::string_view word) const { return has(i) && tokens_[i].is(word); }
  bool is_string(std::size_t i) const { return has(i) && tokens_[i].kind == TokenKind::String; }

  void replace(std::size_t first, std::size_t last, std::string text) {
    edits_.push_back({tokens_[first].begin, tokens_[last].end(), std::move(text)});
  }
  void insert_before(std::size_t i, std::string text) {
    edits_.push_back({tokens_[i].begin, tokens_[i].begin, std::move(text)});
  }
  void insert_after(std::size_t i, std::string text) {
    edits_.push_back({tokens_[i].end(), tokens_[i].end(), std::move(text)});
  }

  std::size_t matching_open(std::size_t close) const {
    const std::string_view shut = tokens_[close].text;
    const std::string_view open = shut == ")" ? "(" : "[";
    std::size_t depth = 0;
    for (std::size_t i = close + 1; i-- > 0;) {
      if (tokens_[i].is(shut)) ++depth;
      if (tokens_[i].is(open) && --depth == 0) return i;
    }
    return close;
  }

  // Words that end no operand, though they look like names.
  static bool is_keyword(const Token& token) {
    return token.kind == TokenKind::Word &&
           is_any(token,
                  {"select", "where", "and",  "or",       "not",     "on",     "when",   "then",
                   "else",   "case",  "in",   "from",     "by",      "having", "like",   "ilike",
                   "as",     "using", "set",  "distinct", "between", "is",     "values", "union",
                   "all",    "any",   "some", "with",     "limit",   "offset", "join",   "return"});
  }
  bool ends_operand(std::size_t i) const {
    const Token& token = tokens_[i];
    if (token.is(")") || token.is("]") || is_literal(token)) return true;
    return token.is_name() && !is_keyword(token);
  }

  // The first token of the operand that ends at token `last`: a.b, f(x), (x), 'x', a[1], x::t.
  std::size_t operand_begin(std::size_t last) const {
    std::size_t at = last;
    for (;;) {
      if (tokens_[at].is("]") || tokens_[at].is(")")) {
        const std::size_t open = matching_open(at);
        if (open == at) return at;
        const bool subscript = tokens_[at].is("]");
        at = open;
        if (at == 0 || !tokens_[at - 1].is_name() || is_keyword(tokens_[at - 1])) {
          if (!subscript || at == 0 || !ends_operand(at - 1)) return at;
        }
        --at;
        continue;
      }
      if (at >= 2 && (tokens_[at - 1].is(".") || tokens_[at - 1].is("::"))) {
        at -= 2;
        continue;
      }
      return at;
    }
  }

  void name(std::size_t i) {
    const Token& token = tokens_[i];
    const bool before_dot = is(i + 1, ".");
    const bool after_dot = i > 0 && tokens_[i - 1].is(".");
    if (before_dot && !after_dot) qualified(i);
    if (token.kind != TokenKind::Word) return;
    if (token.is("operator") && is(i + 1, "(")) explicit_operator(i);
    if (token.is("collate")) collation(i);
    if (is_any(token, {"like", "ilike"})) like(i);
    if (token.is("similar") && is(i + 1, "to") && is_string(i + 2))
      replace(i + 2, i + 2, quoted_text(similar_pattern(tokens_[i + 2].string_value())));
    if (token.is("as") && i >= 1) cast_as(i);
    if (is_any(token, {"numeric", "decimal"}) && is_string(i + 1) && !(i > 0 && is(i - 1, "::")))
      typed_numeric(i);
    if (is_any(token, {"from", "join", "lateral"})) function_alias(i + 1);
  }

  // pg_catalog.x, information_schema.x, freshet.public.x
  void qualified(std::size_t i) {
    const Token& token = tokens_[i];
    if (token.name() == "pg_catalog" && has(i + 2)) {
      const bool relation = tokens_[i + 2].name().starts_with("pg_") && !is(i + 3, "(") &&
                            !(i > 0 && tokens_[i - 1].is("::"));
      if (relation) {
        replace(i, i, "_catalog");
      } else if (!(i > 0 && (tokens_[i - 1].is("::") || tokens_[i - 1].is("collate")))) {
        replace(i, i + 1, "");
      }
    } else if (token.name() == "information_schema") {
      replace(i, i, "_information");
    } else if (token.name() == "freshet" && is(i + 3, ".") && has(i + 4) &&
               !is_any(tokens_[i + 2], {"tables", "sources", "progress"})) {
      replace(i, i + 1, "");
    }
  }

  // OPERATOR(pg_catalog.~)
  void explicit_operator(std::size_t i) {
    const std::size_t close = matching_close(tokens_, i + 1);
    if (!has(close) || close < 3 || tokens_[close - 1].kind != TokenKind::Operator) return;
    replace(i, close, " " + engine_operator(tokens_[close - 1].text) + " ");
    explicit_end_ = close;
  }

  // The operators are macros of ours, because the engine's ~ has to match the whole text.
  static std::string engine_operator(std::string_view text) {
    if (text == "~") return "~@";
    if (text == "!~") return "!~@";
    if (text == "~*") return "~*@";
    if (text == "!~*") return "!~*@";
    return std::string(text);
  }

  void op(std::size_t i) {
    if (i < explicit_end_) return;
    const std::string_view text = tokens_[i].text;
    const bool infix = i > 0 && ends_operand(i - 1);
    if (!infix) return;
    if (const std::string engine = engine_operator(text); engine != text)
      replace(i, i, " " + engine + " ");
    if (text == "->" || text == "->>" || text == "#>" || text == "#>>") arrows(i);
    if ((text == "=" || text == "<>") && is_string(i + 1)) array_literal(i);
  }

  // column = '{1,2}': an array where the column is one, and this very text where it is not. TYPEOF
  // is Rockset's.
  void array_literal(std::size_t i) {
    const auto list = engine_list_text(tokens_[i + 1].string_value());
    const std::size_t begin = operand_begin(i - 1);
    std::string column;
    for (std::size_t at = begin; at < i; ++at) {
      if (!tokens_[at].is_name() && !tokens_[at].is(".")) return;
      column += tokens_[at].text;
    }
    if (!list) return;
    insert_before(begin, "(CASE WHEN typeof(" + column + ") = 'array' THEN " + column + " " +
                             std::string(tokens_[i].text) + " " + quoted_text(*list) +
                             " ELSE CAST(");
    insert_after(i - 1, " AS VARCHAR)");
    insert_after(i + 1, " END)");
  }

  // The engine's arrows bind weaker than =, so that j->>'a' = 'b' means something else there.
  void arrows(std::size_t first) {
    if (first < arrows_end_) return;
    std::size_t at = first;
    std::size_t last = first;
    for (; has(at) && is_any(tokens_[at], {"->", "->>", "#>", "#>>"}); ++at) {
      const bool path = tokens_[at].text.front() == '#';
      if (!has(at + 1) || !is_literal(tokens_[at + 1])) break;
      if (path) {
        if (!is_string(at + 1)) break;
        replace(at, at + 1,
                std::string(tokens_[at].text.substr(1) == ">" ? "->" : "->>") +
                    quoted_text(json_path(tokens_[at + 1].string_value())));
      }
      last = ++at;
    }
    if (last == first) return;
    arrows_end_ = last;
    insert_before(operand_begin(first - 1), "(");
    insert_after(last, ")");
  }

  // Text is ordered by its bytes here, which is what "C" and "default" of a UTF8 database mean.
  void collation(std::size_t i) {
    std::size_t last = i + 1;
    if (is(last, "pg_catalog") && is(last + 1, ".")) last += 2;
    if (!has(last)) return;
    const std::string name = lower(tokens_[last].name());
    if (name == "default" || name == "c" || name == "posix" || name == "c.utf8" ||
        name == "ucs_basic")
      replace(i, last, "");
  }

  // PostgreSQL's patterns escape with a backslash unless told otherwise; the engine's do not.
  void like(std::size_t i) {
    if (!has(i + 1) || is(i + 2, "escape")) return;
    const Token& pattern = tokens_[i + 1];
    const bool escapes =
        pattern.kind == TokenKind::String && pattern.string_value().find('\\') != std::string::npos;
    if (escapes || pattern.kind == TokenKind::Placeholder) insert_after(i + 1, " ESCAPE '\\'");
  }

  void parameter(std::size_t i) {
    std::size_t number = 0;
    const std::string_view digits = tokens_[i].text.substr(1);
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (number == 0 || number > casts_.size() || casts_[number - 1].empty()) return;
    replace(i, i, "CAST($" + std::to_string(number) + " AS " + casts_[number - 1] + ")");
  }

  // column[1], a.b[2].c: of json, too, the first element is 1 (engine/json_path.h).
  void subscript(std::size_t i) {
    if (i == 0 || !is(i + 2, "]") || tokens_[i + 1].kind != TokenKind::Number) return;
    const Token& before = tokens_[i - 1];
    const bool operand = (before.is_name() && !is_keyword(before) && !before.is("array")) ||
                         (before.is("]") && subscripts_.contains(i - 1));
    if (!operand) return;
    const std::size_t begin = operand_begin(i - 1);
    for (std::size_t at = begin; at < i; ++at) {
      if (tokens_[at].is("::")) return;  // int[3] is a type there
    }
    if (begin > 0 && is_any(tokens_[begin - 1], {"as", "::"})) return;
    subscripts_.insert(i + 2);
    insert_before(begin, "(list_extract(");
    replace(i, i, ", ");
    replace(i + 2, i + 2, "))");
  }

  // operand :: [pg_catalog .] type
  void cast(std::size_t i) {
    if (i == 0 || !has(i + 1)) return;
    std::size_t type = i + 1;
    const bool catalog = tokens_[type].name() == "pg_catalog" && is(type + 1, ".");
    if (catalog) type += 2;
    if (!has(type)) return;
    const std::string name = tokens_[type].name();
    if (name.starts_with("reg") && object_cast(i, type, name)) return;
    const std::string engine = engine_type(i, type, name);
    if (catalog || !engine.empty()) replace(i + 1, type, engine.empty() ? name : engine);
  }

  // What the engine calls a type that it does not have, or understands differently.
  std::string engine_type(std::size_t i, std::size_t type, const std::string& name) {
    const bool literal = i > 0 && is_string(i - 1);
    const bool list = is(type + 1, "[");
    if (list && literal) {
      if (const auto text = engine_list_text(tokens_[i - 1].string_value()))
        replace(i - 1, i - 1, quoted_text(*text));
    }
    if (name == "numeric" || name == "decimal") {
      if (is(type + 1, "(") || list) return list ? "DECIMAL(38,10)" : "";
      return "DECIMAL(38," + std::to_string(scale_before(i)) + ")";
    }
    if (name == "jsonb") return "JSON";
    if (name == "bytea" && literal) {
      const std::string value = tokens_[i - 1].string_value();
      if (value.starts_with("\\x"))
        replace(i - 1, i - 1, "unhex(" + quoted_text(value.substr(2)) + ")");
    }
    if (name == "name" || name == "citext") return "VARCHAR";
    if (name == "xid" || name == "cid") return "BIGINT";
    if (name == "int2vector" || name == "oidvector") return "BIGINT[]";
    return engine::range_type_named(name);
  }

  // '1.50'::numeric keeps its two decimals; what is not a literal gets ten.
  int scale_before(std::size_t i) const {
    if (i == 0 || !is_literal(tokens_[i - 1])) return 10;
    const Token& value = tokens_[i - 1];
    const std::string text =
        value.kind == TokenKind::String ? value.string_value() : std::string(value.text);
    return std::clamp(decimals(text).value_or(10), 0, 38);
  }

  // 'orders'::regclass is an oid; c.oid::regclass is a name.
  bool object_cast(std::size_t i, std::size_t type, const std::string& name) {
    if (name != "regclass" && name != "regtype" && name != "regnamespace" && name != "regproc" &&
        name != "regprocedure" && name != "regrole" && name != "regoper" && name != "regoperator")
      return false;
    const bool to_oid = is_string(i - 1) || tokens_[i - 1].kind == TokenKind::Placeholder;
    insert_before(operand_begin(i - 1), "_catalog." + name + (to_oid ? "_oid(" : "_name("));
    replace(i, type, ")");
    return true;
  }

  // CAST(x AS numeric)
  void cast_as(std::size_t i) {
    if (!has(i + 2)) return;
    std::size_t type = i + 1;
    const bool catalog = tokens_[type].name() == "pg_catalog" && is(type + 1, ".");
    if (catalog) type += 2;
    if (!is(type + 1, ")")) return;
    const std::size_t open = matching_open(type + 1);
    if (open == 0 || !is_any(tokens_[open - 1], {"cast", "try_cast"})) return;
    const std::string engine = engine_type(i, type, tokens_[type].name());
    if (!engine.empty()) {
      replace(type, type, engine);
    }
  }

  // numeric '1.10'
  void typed_numeric(std::size_t i) {
    const int scale = std::clamp(decimals(tokens_[i + 1].string_value()).value_or(10), 0, 38);
    replace(i, i, "DECIMAL(38," + std::to_string(scale) + ")");
  }

  // FROM generate_series(1, 3) AS n: n is the value there, a row here; n(n) is the value in both.
  void function_alias(std::size_t i) {
    if (is(i, "lateral")) return;
    if (is(i, "pg_catalog") && is(i + 1, ".")) i += 2;
    if (!has(i) || !is_any(tokens_[i], {"generate_series", "unnest"}) || !is(i + 1, "(")) return;
    std::size_t alias = matching_close(tokens_, i + 1) + 1;
    if (name_of_values(tokens_, i + 1) + 1 != alias) return;
    if (is(alias, "as")) ++alias;
    if (!has(alias) || !tokens_[alias].is_name() || is(alias + 1, "(")) return;
    if (is_keyword(tokens_[alias]) ||
        is_any(tokens_[alias], {"group", "order", "left", "right", "inner", "cross", "full",
                                "natural", "window", "fetch", "except", "intersect", "for"}))
      return;
    insert_after(alias, "(" + std::string(tokens_[alias].text) + ")");
  }

  const std::vector<Token>& tokens_;
  const std::vector<std::string>& casts_;
  std::vector<Edit> edits_;
  std::set<std::size_t> subscripts_;  // the closing brackets of those that were rewritten
  std::size_t explicit_end_ = 0;      // tokens before it belong to an OPERATOR(…)
  std::size_t arrows_end_ = 0;        // tokens before it belong to a chain of arrows
};

}  // namespace

Rewritten rewrite(std::string_view sql, const std::vector<Token>& tokens,
                  const std::vector<std::string>& casts) {
  Rewritten result;
  std::size_t at = 0;
  const auto copy_to = [&](std::size_t end) {
    if (end <= at) return;
    result.pieces.push_back({result.sql.size(), at, false});
    result.sql += sql.substr(at, end - at);
    at = end;
  };
  for (const Edit& edit : Rewriter(tokens, casts).run()) {
    if (edit.begin < at) continue;  // inside a piece that was replaced already
    copy_to(edit.begin);
    result.pieces.push_back({result.sql.size(), edit.begin, true});
    result.sql += edit.text;
    at = edit.end;
  }
  copy_to(sql.size());
  return result;
}

int Rewritten::original_position(int position) const {
  if (position <= 0 || pieces.empty()) return 0;
  const auto offset = static_cast<std::size_t>(position - 1);
  const auto after = std::ranges::upper_bound(pieces, offset, {}, &Piece::begin);
  if (after == pieces.begin()) return 0;
  const Piece& piece = *std::prev(after);
  const std::size_t inside = piece.replaced ? 0 : offset - piece.begin;
  return static_cast<int>(piece.original + inside) + 1;
}

void Rewritten::insert(std::size_t byte, std::string_view text) {
  const int original = original_position(static_cast<int>(byte) + 1);
  auto next = std::ranges::upper_bound(pieces, byte, {}, &Piece::begin);
  for (auto piece = next; piece != pieces.end(); ++piece) piece->begin += text.size();
  const bool replaced = next != pieces.begin() && std::prev(next)->replaced;
  if (original > 0) {
    const auto place = static_cast<std::size_t>(original - 1);
    next = pieces.insert(next, {byte + text.size(), place, replaced});
    pieces.insert(next, {byte, place, true});
  }
  sql.insert(byte, text);
}

std::size_t parameter_count(const std::vector<Token>& tokens) {
  std::size_t count = 0;
  for (const Token& token : tokens) {
    if (token.kind != TokenKind::Placeholder) continue;
    std::size_t number = 0;
    std::from_chars(token.text.data() + 1, token.text.data() + token.text.size(), number);
    count = std::max(count, number);
  }
  return count;
}

std::optional<std::string> engine_list_text(std::string_view array) {
  while (!array.empty() && array.front() == ' ') array.remove_prefix(1);
  while (!array.empty() && array.back() == ' ') array.remove_suffix(1);
  if (array.size() < 2 || array.front() != '{' || array.back() != '}') return {};
  array = array.substr(1, array.size() - 2);
  std::string list = "[";
  for (std::size_t at = 0; at < array.size();) {
    std::string element;
    const bool quoted = array[at] == '"';
    if (quoted) {
      for (++at; at < array.size() && array[at] != '"'; ++at) {
        if (array[at] == '\\' && at + 1 < array.size()) ++at;
        element.push_back(array[at]);
      }
      if (at++ >= array.size()) return {};
    } else {
      for (; at < array.size() && array[at] != ','; ++at) {
        if (array[at] == '{') return {};
        element.push_back(array[at]);
      }
    }
    if (list.size() > 1) list += ", ";
    if (!quoted && equal_without_case(element, "null")) {
      list += "NULL";
    } else {
      list.push_back('\'');
      for (const char c : element) {
        if (c == '\'' || c == '\\') list.push_back('\\');
        list.push_back(c);
      }
      list.push_back('\'');
    }
    if (at < array.size() && array[at] != ',') return {};
    ++at;
  }
  return list + "]";
}

}  // namespace freshet::query
