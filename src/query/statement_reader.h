// Reads the statements that control the server, token by token.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "query/commands.h"
#include "query/tokens.h"

namespace freshet::query {

// [[source.]schema.]name
struct QualifiedName {
  std::string source{};
  std::string schema{};
  Word name{};  // its position is the whole name's
};

// The tokens of one statement that controls the server, front to back. The tokens outlive it.
class StatementReader {
 public:
  // Begins at token `at`. `forms`: the statements that are understood, for hints.
  StatementReader(std::string_view sql, const std::vector<Token>& tokens, std::size_t at,
                  const char* forms)
      : sql_(sql), tokens_(tokens), forms_(forms), at_(at) {}

  bool at_end() const { return at_ >= tokens_.size(); }
  bool take(std::string_view word) {
    if (at_end() || !tokens_[at_].is(word)) return false;
    ++at_;
    return true;
  }
  Result<Word> name() {
    if (at_end() || !tokens_[at_].is_name()) return unexpected();
    const Token& token = tokens_[at_++];
    return Word{token.name(), static_cast<int>(token.begin) + 1};
  }
  Result<QualifiedName> qualified_name() {
    QualifiedName named;
    named.name = TRY(name());
    for (int more = 0; more < 2 && take("."); ++more) {
      named.source = std::move(named.schema);
      named.schema = std::move(named.name.text);
      const int position = named.name.position;
      named.name = TRY(name());
      named.name.position = position;
    }
    return named;
  }
  // A word, a number or what a string says.
  Result<std::string> value() {
    if (at_end()) return unexpected();
    const Token& token = tokens_[at_];
    if (token.kind == TokenKind::String) return tokens_[at_++].string_value();
    if (token.kind == TokenKind::Number) return std::string(tokens_[at_++].text);
    return TRY(name()).text;
  }
  // The text from here to the end of the statement, and where it begins.
  Result<Word> rest() {
    if (at_end()) return unexpected();
    const std::size_t begin = tokens_[at_].begin;
    std::size_t last = tokens_.size();
    while (last > at_ + 1 && tokens_[last - 1].is(";")) --last;
    Word word{std::string(sql_.substr(begin, tokens_[last - 1].end() - begin)),
              static_cast<int>(begin) + 1};
    at_ = tokens_.size();
    return word;
  }
  // What lies between two commas, as it is written or inside quotes: public.*, 'public.*'.
  Result<Word> pattern() {
    if (at_end()) return unexpected();
    const Token& first = tokens_[at_];
    Word word{.text = {}, .position = static_cast<int>(first.begin) + 1};
    if (first.kind == TokenKind::String) {
      ++at_;
      word.text = first.string_value();
      return word;
    }
    std::size_t end = first.begin;
    while (!at_end() && !tokens_[at_].is(",") && tokens_[at_].begin == end) {
      end = tokens_[at_++].end();
    }
    word.text = sql_.substr(first.begin, end - first.begin);
    if (word.text.empty()) return unexpected();
    return word;
  }
  Error unexpected() const {
    Error error{.sqlstate = "42601",
                .message = "syntax error at end of input",
                .hint = std::string(forms_)};
    if (at_end()) return error;
    error.message = "syntax error at or near \"" + std::string(tokens_[at_].text) + "\"";
    error.position = static_cast<int>(tokens_[at_].begin) + 1;
    return error;
  }
  Result<> done() const {
    if (at_end()) return {};
    return unexpected();
  }

 private:
  std::string_view sql_;
  const std::vector<Token>& tokens_;
  const char* forms_;
  std::size_t at_;
};

}  // namespace freshet::query
