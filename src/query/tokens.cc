#include "query/tokens.h"

#include <algorithm>

namespace freshet::query {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
// Bytes above ASCII belong to identifiers, as in PostgreSQL.
bool starts_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool continues_word(char c) {
  return starts_word(c) || is_digit(c) || c == '$';
}
bool is_operator(char c) {
  return std::string_view("+-*/<>=~!@#%^&|`?").find(c) != std::string_view::npos;
}
char lower_char(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

class Lexer {
 public:
  explicit Lexer(std::string_view sql) : sql_(sql) {}

  std::vector<Token> run() {
    std::vector<Token> tokens;
    while (skip_blank()) {
      const std::size_t begin = at_;
      const TokenKind kind = next();
      tokens.push_back({kind, sql_.substr(begin, at_ - begin), begin});
    }
    if (broken_) tokens.push_back({TokenKind::Broken, sql_.substr(at_), at_});
    return tokens;
  }

 private:
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < sql_.size() ? sql_[at_ + ahead] : '\0';
  }
  bool at_end() const { return at_ >= sql_.size(); }

  // To the next token; false at the end.
  bool skip_blank() {
    while (!at_end()) {
      if (is_space(peek())) {
        ++at_;
      } else if (peek() == '-' && peek(1) == '-') {
        while (!at_end() && peek() != '\n') ++at_;
      } else if (peek() == '/' && peek(1) == '*') {
        if (!skip_comment()) return false;
      } else {
        return true;
      }
    }
    return false;
  }
  bool skip_comment() {
    const std::size_t begin = at_;
    std::size_t depth = 0;
    while (!at_end()) {
      if (peek() == '/' && peek(1) == '*') {
        ++depth;
        at_ += 2;
      } else if (peek() == '*' && peek(1) == '/') {
        at_ += 2;
        if (--depth == 0) return true;
      } else {
        ++at_;
      }
    }
    at_ = begin;
    broken_ = true;
    return false;
  }

  TokenKind next() {
    const char c = peek();
    if (c == '\'') return quoted(TokenKind::String, '\'', false);
    if (c == '"') return quoted(TokenKind::Quoted, '"', false);
    if ((c == 'e' || c == 'E') && peek(1) == '\'') {
      ++at_;
      return quoted(TokenKind::String, '\'', true);
    }
    if (starts_word(c)) return word();
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return number();
    if (c == '$') return dollar();
    if (is_operator(c)) return op();
    at_ += c == ':' && peek(1) == ':' ? 2U : 1U;
    return TokenKind::Mark;
  }

  TokenKind quoted(TokenKind kind, char quote, bool backslashes) {
    ++at_;
    while (!at_end()) {
      if (backslashes && peek() == '\\') {
        at_ = std::min(at_ + 2, sql_.size());
      } else if (peek() != quote) {
        ++at_;
      } else if (peek(1) == quote) {
        at_ += 2;
      } else {
        ++at_;
        return kind;
      }
    }
    return TokenKind::Broken;
  }

  TokenKind word() {
    while (!at_end() && continues_word(peek())) ++at_;
    return TokenKind::Word;
  }

  TokenKind number() {
    while (is_digit(peek()) || peek() == '_') ++at_;
    if (peek() == '.' && peek(1) != '.') {
      ++at_;
      while (is_digit(peek()) || peek() == '_') ++at_;
    }
    if (peek() == 'e' || peek() == 'E') {
      const std::size_t digits = peek(1) == '+' || peek(1) == '-' ? 2 : 1;
      if (is_digit(peek(digits))) {
        at_ += digits;
        while (is_digit(peek())) ++at_;
      }
    }
    return TokenKind::Number;
  }

  TokenKind dollar() {
    if (is_digit(peek(1))) {
      ++at_;
      while (is_digit(peek())) ++at_;
      return TokenKind::Placeholder;
    }
    std::size_t tag = 1;
    while (starts_word(peek(tag)) || (tag > 1 && is_digit(peek(tag)))) ++tag;
    if (peek(tag) != '$') {
      ++at_;
      return TokenKind::Mark;
    }
    const std::string_view fence = sql_.substr(at_, tag + 1);
    const std::size_t close = sql_.find(fence, at_ + fence.size());
    at_ = close == std::string_view::npos ? sql_.size() : close + fence.size();
    return close == std::string_view::npos ? TokenKind::Broken : TokenKind::String;
  }

  // The longest run of operator characters, ended by a comment; one of more than one character ends
  // in + or - only when it also has one of ~ ! @ # % ^ & | ` ? (so that a=-1 is three tokens).
  TokenKind op() {
    const std::size_t begin = at_;
    while (is_operator(peek())) {
      if (at_ > begin && ((peek() == '-' && peek(1) == '-') || (peek() == '/' && peek(1) == '*')))
        break;
      ++at_;
    }
    const auto text = [&] { return sql_.substr(begin, at_ - begin); };
    if (text().find_first_of("~!@#%^&|`?") == std::string_view::npos) {
      while (at_ - begin > 1 && (text().back() == '+' || text().back() == '-')) --at_;
    }
    return TokenKind::Operator;
  }

  std::string_view sql_;
  std::size_t at_ = 0;
  bool broken_ = false;
};

void append_utf8(std::string& out, std::uint32_t code) {
  if (code < 0x80) {
    out.push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    out.push_back(static_cast<char>(0xC0 | (code >> 6)));
    out.push_back(static_cast<char>(0x80 | (code & 0x3F)));
  } else if (code < 0x10000) {
    out.push_back(static_cast<char>(0xE0 | (code >> 12)));
    out.push_back(static_cast<char>(0x80 | ((code >> 6) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (code & 0x3F)));
  } else {
    out.push_back(static_cast<char>(0xF0 | (code >> 18)));
    out.push_back(static_cast<char>(0x80 | ((code >> 12) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | ((code >> 6) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (code & 0x3F)));
  }
}

// Reads up to `digits_max` digits of `base` at `at`.
std::uint32_t read_digits(std::string_view text, std::size_t& at, std::uint32_t base,
                          std::size_t digits_max) {
  std::uint32_t value = 0;
  for (std::size_t n = 0; n < digits_max && at < text.size(); ++n, ++at) {
    const char c = lower_char(text[at]);
    const int digit = is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
    if (digit >= static_cast<int>(base)) break;
    value = value * base + static_cast<std::uint32_t>(digit);
  }
  return value;
}

// One backslash escape; `at` is behind the backslash.
void append_escape(std::string& out, std::string_view text, std::size_t& at) {
  const char c = text[at++];
  switch (c) {
    case 'b': out.push_back('\b'); return;
    case 'f': out.push_back('\f'); return;
    case 'n': out.push_back('\n'); return;
    case 'r': out.push_back('\r'); return;
    case 't': out.push_back('\t'); return;
    case 'x': out.push_back(static_cast<char>(read_digits(text, at, 16, 2))); return;
    case 'u': append_utf8(out, read_digits(text, at, 16, 4)); return;
    case 'U': append_utf8(out, read_digits(text, at, 16, 8)); return;
    default: break;
  }
  if (c >= '0' && c <= '7') {
    --at;
    out.push_back(static_cast<char>(read_digits(text, at, 8, 3)));
    return;
  }
  out.push_back(c);
}

std::string undouble(std::string_view inside, char quote) {
  std::string value;
  for (std::size_t i = 0; i < inside.size(); ++i) {
    value.push_back(inside[i]);
    if (inside[i] == quote) ++i;
  }
  return value;
}

}  // namespace

std::vector<Token> tokenize(std::string_view sql) {
  return Lexer(sql).run();
}

std::string lower(std::string_view text) {
  std::string folded(text);
  std::ranges::transform(folded, folded.begin(), lower_char);
  return folded;
}

bool equal_without_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower_char, lower_char);
}

bool Token::is(std::string_view lower_case) const {
  if (kind == TokenKind::Word) return equal_without_case(text, lower_case);
  return (kind == TokenKind::Mark || kind == TokenKind::Operator) && text == lower_case;
}

std::string Token::name() const {
  if (kind == TokenKind::Word) return lower(text);
  if (kind == TokenKind::Quoted) return undouble(text.substr(1, text.size() - 2), '"');
  return {};
}

std::string Token::string_value() const {
  if (kind != TokenKind::String) return {};
  if (text.front() == '\'') return undouble(text.substr(1, text.size() - 2), '\'');
  if (text.front() == '$') {
    const std::size_t fence = text.find('$', 1) + 1;
    return std::string(text.substr(fence, text.size() - 2 * fence));
  }
  const std::string_view inside = text.substr(2, text.size() - 3);
  std::string value;
  for (std::size_t at = 0; at < inside.size();) {
    const char c = inside[at++];
    if (c == '\\' && at < inside.size()) {
      append_escape(value, inside, at);
    } else {
      value.push_back(c);
      if (c == '\'') ++at;
    }
  }
  return value;
}

bool is_any(const Token& token, std::initializer_list<std::string_view> words) {
  return std::ranges::any_of(words, [&](std::string_view word) { return token.is(word); });
}

std::size_t matching_close(const std::vector<Token>& tokens, std::size_t open) {
  std::size_t depth = 0;
  for (std::size_t i = open; i < tokens.size(); ++i) {
    if (tokens[i].is("(")) ++depth;
    if (tokens[i].is(")") && --depth == 0) return i;
  }
  return tokens.size();
}

}  // namespace freshet::query
