#include "query/control.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "query/control_alter.h"
#include "query/control_create.h"

namespace freshet::query {
namespace {

using Tokens = std::vector<Token>;

Error error(std::string sqlstate, std::string message, std::string hint = {}) {
  return {.sqlstate = std::move(sqlstate), .message = std::move(message), .hint = std::move(hint)};
}

Error syntax_error(const Tokens& tokens, std::size_t at) {
  if (at >= tokens.size()) return error("42601", "syntax error at end of input");
  Error result = error("42601", "syntax error at or near \"" + std::string(tokens[at].text) + "\"");
  result.position = static_cast<int>(tokens[at].begin) + 1;
  return result;
}

Error not_supported(const std::string& what) {
  return error("0A000", what + " is not supported");
}

Error read_only(std::string_view command) {
  std::string upper(command);
  std::ranges::transform(upper, upper.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return error("25006", "cannot execute " + upper + " in a read-only transaction",
               "Collections follow their source: make the change there.");
}

bool is_query_word(const Token& token) {
  static constexpr std::array words = {"select", "with",     "values",    "table", "from",
                                       "(",      "describe", "summarize", "pivot", "unpivot"};
  return std::ranges::any_of(words, [&](const char* word) { return token.is(word); });
}

bool is_writing_word(const Token& token) {
  static constexpr std::array words = {
      "insert", "update", "delete",     "merge",  "create",  "drop",     "alter",    "truncate",
      "grant",  "revoke", "comment",    "vacuum", "analyze", "reindex",  "cluster",  "refresh",
      "call",   "do",     "lock",       "import", "attach",  "detach",   "pragma",   "install",
      "load",   "export", "checkpoint", "use",    "force",   "security", "reassign", "copy"};
  return std::ranges::any_of(words, [&](const char* word) { return token.is(word); });
}

std::string_view text_between(std::string_view sql, const Tokens& tokens, std::size_t first,
                              std::size_t last) {
  return sql.substr(tokens[first].begin, tokens[last].end() - tokens[first].begin);
}

std::string_view text_from(std::string_view sql, const Tokens& tokens, std::size_t first) {
  return text_between(sql, tokens, first, tokens.size() - 1);
}

// A reader over the tokens of one statement.
class Words {
 public:
  Words(std::string_view sql, const Tokens& tokens, std::size_t at)
      : sql_(sql), tokens_(tokens), at_(at) {}

  bool at_end() const { return at_ >= tokens_.size(); }
  const Token& now() const { return tokens_[at_]; }
  std::size_t at() const { return at_; }
  bool take(std::string_view word) {
    if (at_end() || !now().is(word)) return false;
    ++at_;
    return true;
  }
  bool take_all(std::initializer_list<std::string_view> words) {
    std::size_t ahead = at_;
    for (const std::string_view word : words) {
      if (ahead >= tokens_.size() || !tokens_[ahead].is(word)) return false;
      ++ahead;
    }
    at_ = ahead;
    return true;
  }
  // A name or a string: what names a setting's value, a cursor, a statement.
  std::optional<std::string> take_name() {
    if (at_end() || !now().is_name()) return {};
    return tokens_[at_++].name();
  }
  void skip() { ++at_; }
  Error unexpected() const { return syntax_error(tokens_, at_); }
  std::string rest() const { return std::string(text_from(sql_, tokens_, at_)); }

 private:
  std::string_view sql_;
  const Tokens& tokens_;
  std::size_t at_;
};

// One value of SET: a string, a word or a number with its sign.
std::optional<std::string> take_value(Words& words) {
  if (words.at_end()) return {};
  std::string sign;
  if (words.take("-")) sign = "-";
  if (words.at_end()) return {};
  const Token& token = words.now();
  std::string value;
  if (token.kind == TokenKind::String) {
    value = token.string_value();
  } else if (token.is_name()) {
    value = token.kind == TokenKind::Word ? std::string(token.text) : token.name();
  } else if (token.kind == TokenKind::Number) {
    value = sign + std::string(token.text);
  } else {
    return {};
  }
  words.skip();
  return value;
}

Result<Control> set_values(Words& words, Set set) {
  if (words.take("default")) {
    if (!words.at_end()) return words.unexpected();
    return Control(set);
  }
  std::string value;
  do {
    const std::optional<std::string> part = take_value(words);
    if (!part) return words.unexpected();
    value += (value.empty() ? "" : ", ") + *part;
  } while (words.take(","));
  if (!words.at_end()) return words.unexpected();
  set.value = value;
  return Control(set);
}

Result<Control> set_time_zone(Words& words, Set set) {
  set.name = "timezone";
  if (words.take("local")) return Control(set);
  if (words.take("interval")) {  // INTERVAL '-03:00' HOUR TO MINUTE
    if (words.at_end() || words.now().kind != TokenKind::String) return words.unexpected();
    set.value = words.now().string_value();
    return Control(set);
  }
  return set_values(words, set);
}

Result<Control> parse_set(Words words) {
  Set set;
  if (words.take_all({"session", "characteristics"}) || words.take_all({"transaction"})) {
    for (; !words.at_end(); words.skip()) {
      if (words.now().is("write")) return read_only("SET TRANSACTION READ WRITE");
    }
    return Control(Accepted{"SET"});
  }
  if (words.take("local")) {
    set.only_transaction = true;
  } else {
    words.take("session");
  }
  if (words.take_all({"time", "zone"})) return set_time_zone(words, set);
  if (words.take_all({"session", "authorization"}) || words.take("authorization") ||
      words.take("role"))
    return Control(Accepted{"SET"});
  if (words.take("names")) {
    set.name = "client_encoding";
    return set_values(words, set);
  }
  const std::optional<std::string> name = words.take_name();
  if (!name) return words.unexpected();
  set.name = *name;
  while (words.take(".")) {
    const std::optional<std::string> part = words.take_name();
    if (!part) return words.unexpected();
    set.name += "." + *part;
  }
  if (!words.take("=") && !words.take("to")) return words.unexpected();
  return set_values(words, set);
}

Result<Control> parse_show(Words words) {
  if (words.take_all({"transaction", "isolation", "level"}))
    return Control(Show{"transaction_isolation"});
  if (words.take_all({"time", "zone"})) return Control(Show{"timezone"});
  if (words.take_all({"session", "authorization"})) return Control(Show{"session_authorization"});
  const std::optional<std::string> first = words.take_name();
  if (!first) return words.unexpected();
  std::string name = *first;
  while (words.take(".")) {
    const std::optional<std::string> part = words.take_name();
    if (!part) return words.unexpected();
    name += "." + *part;
  }
  if (!words.at_end()) return words.unexpected();
  return Control(Show{name});
}

Result<Control> parse_reset(Words words) {
  if (words.take("all")) return Control(ResetAll{});
  if (words.take_all({"time", "zone"})) return Control(Set{.name = "timezone", .tag = "RESET"});
  if (words.take_all({"session", "authorization"}) || words.take("role"))
    return Control(Accepted{"RESET"});
  Words again = words;
  Result<Control> shown = parse_show(again);
  if (!shown.ok()) return shown;
  return Control(Set{.name = std::get<Show>(shown.value()).name, .tag = "RESET"});
}

// Modes behind BEGIN and START TRANSACTION: all are fine but READ WRITE, which cannot be kept.
Result<Control> parse_begin(Words words, std::string tag) {
  for (; !words.at_end(); words.skip()) {
    if (words.now().is("write")) return read_only("a read-write transaction");
  }
  return Control(Begin{std::move(tag)});
}

Result<Control> parse_end(Words words, Control control) {
  if (!words.take("work")) words.take("transaction");
  if (words.take_all({"and", "chain"})) return not_supported("AND CHAIN");
  words.take_all({"and", "no", "chain"});
  if (words.take("to") || words.take("prepared")) return not_supported("this form of ROLLBACK");
  if (!words.at_end()) return words.unexpected();
  return control;
}

Result<Control> parse_declare(Words words) {
  const std::optional<std::string> name = words.take_name();
  if (!name) return words.unexpected();
  while (!words.at_end() && !words.now().is("cursor")) {
    if (words.now().is("scroll")) return not_supported("SCROLL");
    if (words.take_all({"no", "scroll"}) || words.take("binary") || words.take("insensitive") ||
        words.take("asensitive"))
      continue;
    return words.unexpected();
  }
  if (!words.take("cursor")) return words.unexpected();
  const bool hold = words.take_all({"with", "hold"});
  words.take_all({"without", "hold"});
  if (!words.take("for")) return words.unexpected();
  if (words.at_end() || !is_query_word(words.now())) return words.unexpected();
  return Control(Declare{*name, words.rest(), hold});
}

Result<Control> parse_fetch(Words words, bool move) {
  Fetch fetch{.cursor = {}, .rows = 1, .move = move};
  if (words.take("next")) {
    fetch.rows = 1;
  } else if (!words.at_end() && (words.now().is("prior") || words.now().is("first") ||
                                 words.now().is("last") || words.now().is("absolute") ||
                                 words.now().is("relative") || words.now().is("backward"))) {
    return not_supported("FETCH other than forward");
  } else {
    words.take("forward");
    if (words.take("all")) {
      fetch.rows.reset();
    } else if (!words.at_end() && words.now().kind == TokenKind::Number) {
      std::uint64_t count = 0;
      const std::string_view text = words.now().text;
      const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), count);
      if (bad != std::errc() || end != text.data() + text.size()) return words.unexpected();
      fetch.rows = count;
      words.skip();
    }
  }
  if (!words.take("from")) words.take("in");
  const std::optional<std::string> name = words.take_name();
  if (!name || !words.at_end()) return words.unexpected();
  fetch.cursor = *name;
  return Control(fetch);
}

// The options of COPY: (FORMAT csv, HEADER, …) or the older words without parentheses.
Result<CopyFormat> parse_copy_options(Words words) {
  CopyFormat format;
  bool delimiter_given = false;
  bool null_given = false;
  words.take("with");
  for (; !words.at_end();) {
    if (words.take("(") || words.take(")") || words.take(",") || words.take("format")) continue;
    if (words.take("csv")) {
      format.kind = CopyFormat::Kind::Csv;
    } else if (words.take("binary")) {
      format.kind = CopyFormat::Kind::Binary;
    } else if (words.take("text")) {
      format.kind = CopyFormat::Kind::Text;
    } else if (words.take("header")) {
      format.header = !words.take("false") && !words.take("off");
      if (!words.take("true")) words.take("on");
    } else if (words.take("delimiter") || words.take("delimiters")) {
      words.take("as");
      const std::optional<std::string> value = take_value(words);
      if (!value || value->size() != 1) return words.unexpected();
      format.delimiter = value->front();
      delimiter_given = true;
    } else if (words.take("null")) {
      words.take("as");
      const std::optional<std::string> value = take_value(words);
      if (!value) return words.unexpected();
      format.null_text = *value;
      null_given = true;
    } else {
      return words.unexpected();
    }
  }
  if (format.kind == CopyFormat::Kind::Csv) {
    if (!delimiter_given) format.delimiter = ',';
    if (!null_given) format.null_text = "";
  }
  return format;
}

Result<Control> parse_copy(std::string_view sql, const Tokens& tokens) {
  std::size_t to = 1;
  std::string query;
  if (tokens.size() > 1 && tokens[1].is("(")) {
    const std::size_t close = matching_close(tokens, 1);
    if (close >= tokens.size() || close == 2) return syntax_error(tokens, close);
    if (!is_query_word(tokens[2])) return read_only("COPY");
    query = text_between(sql, tokens, 2, close - 1);
    to = close + 1;
  } else {
    while (to < tokens.size() && !tokens[to].is("to") && !tokens[to].is("from") &&
           !tokens[to].is("("))
      ++to;
    if (to == 1 || to >= tokens.size()) return syntax_error(tokens, to);
    std::string columns = "*";
    const std::string table(text_between(sql, tokens, 1, to - 1));
    if (tokens[to].is("(")) {
      const std::size_t close = matching_close(tokens, to);
      if (close >= tokens.size() || close == to + 1) return syntax_error(tokens, close);
      columns = text_between(sql, tokens, to + 1, close - 1);
      to = close + 1;
    }
    query = "SELECT " + columns + " FROM " + table;
  }
  if (to < tokens.size() && tokens[to].is("from")) return read_only("COPY FROM");
  if (to >= tokens.size() || !tokens[to].is("to")) return syntax_error(tokens, to);
  if (to + 1 >= tokens.size() || !tokens[to + 1].is("stdout")) {
    return error("42501", "COPY to a file or a program is not allowed",
                 "Use COPY … TO STDOUT, or psql's \\copy.");
  }
  const CopyFormat format = TRY(parse_copy_options(Words(sql, tokens, to + 2)));
  return Control(Query{.sql = std::move(query), .copy = format});
}

// WITH … INSERT: looks like a query from its first word.
std::optional<Error> write_behind_with(const Tokens& tokens, std::size_t first) {
  for (std::size_t i = first + 1; tokens[first].is("with") && i < tokens.size(); ++i) {
    if (tokens[i - 1].is(")") && (tokens[i].is("insert") || tokens[i].is("update") ||
                                  tokens[i].is("delete") || tokens[i].is("merge")))
      return read_only(tokens[i].text);
  }
  return {};
}

// EXPLAIN [ANALYZE] [VERBOSE] [(options)] query. The engine runs what it analyzes, so only queries.
Result<Control> parse_explain(std::string_view sql, const Tokens& tokens) {
  bool analyze = false;
  std::size_t at = 1;
  if (at + 1 < tokens.size() && tokens[at].is("(") && !is_query_word(tokens[at + 1])) {
    const std::size_t close = matching_close(tokens, at);
    for (std::size_t i = at; i < close; ++i) {
      if (tokens[i].is("analyze")) analyze = !tokens[i + 1].is("false") && !tokens[i + 1].is("off");
    }
    at = close + 1;
  }
  for (; at < tokens.size() && (tokens[at].is("analyze") || tokens[at].is("verbose")); ++at)
    analyze = analyze || tokens[at].is("analyze");
  if (at >= tokens.size()) return syntax_error(tokens, at);
  if (!is_query_word(tokens[at])) return read_only("EXPLAIN " + lower(tokens[at].text));
  if (const auto write = write_behind_with(tokens, at)) return *write;
  return Control(Query{.sql = std::string(analyze ? "EXPLAIN ANALYZE " : "EXPLAIN ") +
                              std::string(text_from(sql, tokens, at)),
                       .explain = true});
}

// SELECT [pg_catalog.]set_config('name', 'value', local) and nothing else: how drivers set things.
std::optional<Set> set_config_call(const Tokens& tokens) {
  std::size_t at = 1;
  if (tokens.size() > 3 && tokens[at].is("pg_catalog") && tokens[at + 1].is(".")) at += 2;
  if (tokens.size() != at + 8 || !tokens[at].is("set_config") || !tokens[at + 1].is("(") ||
      tokens[at + 2].kind != TokenKind::String || !tokens[at + 3].is(",") ||
      tokens[at + 4].kind != TokenKind::String || !tokens[at + 5].is(",") ||
      !tokens[at + 7].is(")"))
    return {};
  Set set{.name = tokens[at + 2].string_value(), .value = tokens[at + 4].string_value()};
  set.only_transaction = tokens[at + 6].is("true");
  set.tag = "SELECT 1";
  set.function_result = "set_config";
  return set;
}

Result<Control> classify_session_word(Words words, const Token& first) {
  if (first.is("set")) return parse_set(words);
  if (first.is("show")) return parse_show(words);
  if (first.is("reset")) return parse_reset(words);
  if (first.is("begin")) return parse_begin(words, "BEGIN");
  if (first.is("start")) {
    if (!words.take("transaction")) return words.unexpected();
    return parse_begin(words, "START TRANSACTION");
  }
  if (first.is("commit") || first.is("end")) return parse_end(words, Commit{});
  if (first.is("rollback") || first.is("abort")) return parse_end(words, Rollback{});
  if (first.is("declare")) return parse_declare(words);
  if (first.is("fetch")) return parse_fetch(words, false);
  if (first.is("move")) return parse_fetch(words, true);
  if (first.is("discard")) {
    const std::optional<std::string> what = words.take_name();
    if (!what) return words.unexpected();
    return Control(Discard{*what});
  }
  if (first.is("close") || first.is("deallocate")) {
    words.take("prepare");
    const bool all = words.take("all");
    const std::optional<std::string> name = all ? std::string() : words.take_name();
    if (!name || !words.at_end()) return words.unexpected();
    if (first.is("close")) return Control(Close{*name});
    return Control(Deallocate{*name});
  }
  if (first.is("unlisten")) return Control(Accepted{"UNLISTEN"});
  if (first.is("savepoint") || first.is("release"))
    return error("0A000", "savepoints are not supported",
                 "Transactions here only read: there is nothing to roll back to.");
  if (first.is("prepare") || first.is("execute"))
    return error("0A000", "PREPARE and EXECUTE as SQL are not supported",
                 "Use the prepared statements of your driver.");
  if (first.is("listen") || first.is("notify")) return not_supported("LISTEN and NOTIFY");
  Error unknown = error("42601", "syntax error at or near \"" + std::string(first.text) + "\"");
  unknown.position = static_cast<int>(first.begin) + 1;
  return unknown;
}

}  // namespace

Result<Control> classify(std::string_view sql, const std::vector<Token>& tokens) {
  if (tokens.empty()) return Control(Nothing{});
  const Token& first = tokens.front();
  if (tokens.back().kind == TokenKind::Broken) {
    Error broken = error("42601", "unterminated quoted text or comment");
    broken.position = static_cast<int>(tokens.back().begin) + 1;
    return broken;
  }
  if (first.is("select")) {
    if (const std::optional<Set> set = set_config_call(tokens)) return Control(*set);
  }
  if (const auto write = write_behind_with(tokens, 0)) return *write;
  if (is_query_word(first)) return Control(Query{.sql = std::string(sql)});
  if (first.is("explain")) return parse_explain(sql, tokens);
  if (first.is("copy")) return parse_copy(sql, tokens);
  if (first.is("alter")) {
    if (const std::optional<Command> command = TRY(parse_alter(sql, tokens)))
      return Control(*command);
  }
  if (first.is("create")) {
    if (const std::optional<Command> command = TRY(parse_create(sql, tokens)))
      return Control(*command);
  }
  if (first.is("drop")) {
    if (const std::optional<Command> command = TRY(parse_drop(sql, tokens)))
      return Control(*command);
  }
  if (is_writing_word(first)) return read_only(first.text);
  return classify_session_word(Words(sql, tokens, 1), first);
}

}  // namespace freshet::query
