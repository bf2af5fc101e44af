// The SQL of a transformation, taken apart by the engine's own parser and put together again in the
// forms that run on batches of rows.
//
//   SELECT list FROM _input [AS alias] [WHERE condition]
//
// Written for one row at a time: no joins, subqueries, window functions or ORDER BY.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/connection.h"

namespace freshet::transform {

// Columns of _input beside those of the table. `SELECT *` does not mean them.
inline constexpr std::string_view row_column = "_freshet_row";  // ours alone: which row it was
inline constexpr std::string_view metadata_columns[] = {"_op", "_event_time", "_lsn",
                                                        "_commit_time", "_table"};

// One expression, as SQL, and the columns of _input it reads.
struct Expression {
  std::string sql;
  std::set<std::string> columns;
};

class IngestSql {
 public:
  // 42601 for what does not parse, 0A000 for what a transformation cannot have; both with the
  // position in `sql`. `id`: an expression that is added to the select list as _id, or empty.
  static Result<IngestSql> parse(engine::Connection& connection, std::string_view sql,
                                 std::string_view id = {});

  // The statement, with the number of the input row as its last column.
  const std::string& rows() const { return rows_; }
  // What is called `name` in the select list; a column that comes by * is itself. Nothing when it
  // cannot be told.
  const Expression* output(std::string_view name) const;
  bool has_star() const { return has_star_; }
  // SELECT of these expressions from _input, under its alias, for every row of it.
  std::string select(const std::vector<std::string>& expressions) const;

 private:
  std::string rows_;
  std::string from_;  // _input AS alias
  struct Output {
    std::string name;
    Expression expression;
  };
  std::vector<Output> outputs_;
  bool has_star_ = false;
};

}  // namespace freshet::transform
