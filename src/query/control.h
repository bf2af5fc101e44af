// What kind of statement a text is, found from its first words: the few that a session answers
// itself, queries for the engine, and all the rest, which is refused.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "query/commands.h"
#include "query/session.h"
#include "query/tokens.h"

namespace freshet::query {

struct Nothing {};  // no statement at all
struct Query {      // for the engine
  std::string sql;
  std::optional<CopyFormat> copy{};  // COPY (sql) TO STDOUT
  bool explain = false;
};
struct Begin {
  std::string tag;  // BEGIN or START TRANSACTION
};
struct Commit {};
struct Rollback {};
struct Set {
  std::string name;
  std::optional<std::string> value{};  // nothing: DEFAULT
  bool only_transaction = false;       // SET LOCAL
  std::string tag = "SET";
  std::string function_result{};  // SELECT set_config(…): the row it gives
};
struct Show {
  std::string name;  // "all" for all
};
struct ResetAll {};
struct Discard {
  std::string what;  // all, plans, temp, sequences
};
struct Deallocate {
  std::string name;  // empty: all
};
struct Declare {
  std::string cursor;
  std::string query;
  bool hold = false;
};
struct Fetch {
  std::string cursor;
  std::optional<std::uint64_t> rows{};  // nothing: all
  bool move = false;                    // MOVE: the rows are not wanted
};
struct Close {
  std::string cursor;  // empty: all
};
struct Accepted {  // understood and without effect here
  std::string tag;
};

using Control = std::variant<Nothing, Query, Begin, Commit, Rollback, Set, Show, ResetAll, Discard,
                             Deallocate, Declare, Fetch, Close, Accepted, Command>;

// 25006 for statements that write, 0A000 for those we do not have, 42601 for what is none.
Result<Control> classify(std::string_view sql, const std::vector<Token>& tokens);

}  // namespace freshet::query
