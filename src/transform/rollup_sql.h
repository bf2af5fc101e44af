// A transformation with GROUP BY, taken apart into what happens to one row and what happens to the
// rows of a group:
//
//   SELECT region, sum(price * n) / count(*) AS mean FROM _input WHERE paid GROUP BY region
//     row     SELECT region AS g0, price * n AS a0 FROM _input WHERE paid
//     group   f0 = sum(a0), f1 = count(*)
//     result  SELECT g0 AS region, f0 / f1 AS mean
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/connection.h"

namespace freshet::transform {

// One aggregate. `argument`: which of the row's a0, a1, … it is about; none for count(*).
struct Aggregate {
  std::string function;  // lower case
  std::string sql;       // over a0, a1, …
  std::optional<std::size_t> argument{};
  // count, sum or avg of one expression, without DISTINCT: what a row adds, its removal takes away.
  bool can_be_undone = false;
};

struct RollupSql {
  std::string row;  // makes g0, g1, …, a0, a1, … of a row
  // The same so that a row that fails is null: r.keep, r.g0, …, r.a0, … of every row of _input.
  std::string guarded_row;
  std::size_t groups = 0;     // how many g there are
  std::size_t arguments = 0;  // how many a
  std::vector<Aggregate> aggregates;
  std::string results;         // the select list over g0, …, f0, …, each with its name
  std::string having;          // over the same; empty when every group is a result
  bool time_of_group = false;  // there is an _event_time among them, made of g0, … alone
};

// Nothing when it has no GROUP BY. 0A000 for what a rollup cannot have, 42803 for a column that is
// neither grouped nor inside an aggregate.
Result<std::optional<RollupSql>> parse_rollup(engine::Connection& connection, std::string_view sql);

}  // namespace freshet::transform
