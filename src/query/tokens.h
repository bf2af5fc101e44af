// SQL text cut into tokens as PostgreSQL's lexer does it: quotes, dollar quotes, nested comments,
// operators. Enough to tell statements apart and to rewrite names; the grammar is the engine's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace freshet::query {

enum class TokenKind : std::uint8_t {
  Word,         // an unquoted identifier or keyword
  Quoted,       // "an identifier"
  String,       // 'text', E'text', $tag$text$tag$
  Number,       // 12, 1.5e3
  Placeholder,  // $1
  Operator,     // +, <=, ||, ~*, …
  Mark,         // ( ) [ ] , ; . : ::
  Broken,       // a quote or comment that never ends
};

struct Token {
  TokenKind kind{};
  std::string_view text;  // as written
  std::size_t begin = 0;  // offset in the SQL text
  std::size_t end() const { return begin + text.size(); }
  bool is(std::string_view lower_case) const;  // a Word, compared without case; or a mark/operator
  bool is_name() const { return kind == TokenKind::Word || kind == TokenKind::Quoted; }
  // The identifier it means: folded to lower case, or unquoted. Empty for other kinds.
  std::string name() const;
  // The value of a String. Escapes of E'' are resolved.
  std::string string_value() const;
};

bool is_any(const Token& token, std::initializer_list<std::string_view> words);
// The closing parenthesis of the one at `open`, or the number of tokens.
std::size_t matching_close(const std::vector<Token>& tokens, std::size_t open);

// The tokens point into `sql`.
std::vector<Token> tokenize(std::string_view sql);

std::string lower(std::string_view text);
bool equal_without_case(std::string_view a, std::string_view b);

}  // namespace freshet::query
