// Turns PostgreSQL's spelling of a query into the engine's, token by token, where the two differ in
// ways that matter: catalog names, regular expressions, casts, escapes, arrows of JSON.
//
// Text that is not touched stays byte for byte, so that positions in the engine's errors lead back.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "query/tokens.h"

namespace freshet::query {

struct Rewritten {
  std::string sql;
  // The character of the original text that a character (both 1-based) of `sql` came from.
  int original_position(int position) const;
  // Puts text in that comes from nowhere, before this byte of `sql`.
  void insert(std::size_t byte, std::string_view text);

  struct Piece {
    std::size_t begin;     // in sql
    std::size_t original;  // in the original
    bool replaced;         // all of it came from `original`
  };
  std::vector<Piece> pieces;
};

// `casts`: for parameter $n, at n - 1, the engine's type it is cast to, or empty.
Rewritten rewrite(std::string_view sql, const std::vector<Token>& tokens,
                  const std::vector<std::string>& casts);

// How many parameters a statement has: the largest $n.
std::size_t parameter_count(const std::vector<Token>& tokens);

// 42501 when a statement reaches for what belongs to Freshet and not to its clients: the schemas
// collections are kept in, the engine's own catalogs, and functions that touch files or run text.
Result<> check_allowed(const std::vector<Token>& tokens);

// '{1,2}' → '[1, 2]': the text of a PostgreSQL array as the engine's cast wants it. Nothing when
// it is not a one-dimensional array.
std::optional<std::string> engine_list_text(std::string_view array);

}  // namespace freshet::query
