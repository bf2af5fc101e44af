// A transformation with GROUP BY, kept up to date by what changed: rows that came count once, rows
// that went count minus once, and both are added to what is kept of their group.
//
// Of a group are kept: an id, the values it is grouped by, how many rows it has, and for each
// count, sum and average how many values there are and their exact sum. Other aggregates (min, max,
// count distinct, sums of floating point …) cannot be taken back, so they are computed again, from
// all rows of the groups that changed.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/arena.h"
#include "base/result.h"
#include "engine/database.h"
#include "engine/row_query.h"
#include "model/schema.h"
#include "transform/rollup_sql.h"
#include "transform/transformation.h"

namespace freshet::transform {

// One thread.
class Rollup {
 public:
  // Null when the definition has no GROUP BY.
  static Result<std::unique_ptr<Rollup>> open(engine::Database& database,
                                              const Definition& definition,
                                              std::shared_ptr<const TableSchema> table);

  // The results, then what is kept of a group, whose first column is the key.
  const std::vector<ColumnSchema>& columns() const { return columns_; }
  std::size_t first_kept() const { return results_; }
  // What one row of the table is to its group.
  Transformation& rows() { return *rows_; }
  bool computes_again() const { return !again_.empty(); }
  // Whether _event_time is a result that a group has once for all.
  bool has_time() const { return sql_.time_of_group; }

  // What the rows change, one row per group: what is kept of it, as differences.
  Result<> differences(const Transformed& came, const Transformed& went, Arena& keep,
                       std::vector<Column>& groups);
  // A SELECT that computes again what cannot be taken back, over `table_rows`, a SELECT of all rows
  // of the table, for the groups that given_rows() gives as differences() made them: the group's
  // number there, then a column per aggregate.
  std::string again_sql(const std::string& table_rows) const;
  std::vector<Type> again_types() const;
  std::vector<Type> kept_types() const;
  // The new rows of the groups: all columns(). `before`: what was kept of those that are known, in
  // any order; `again`: what again_sql() gave, a row per group of the differences, in their order.
  Result<> merge(const std::vector<Column>& differences, const std::vector<Column>& before,
                 const std::vector<Column>& again, Arena& keep, std::vector<Column>& rows);
  // How many rows of the table a group has, of the rows that merge() made.
  std::int64_t size_of(const std::vector<Column>& rows, std::size_t row) const;

 private:
  // A count, sum or average, and where it is kept.
  struct Undone {
    std::size_t aggregate;
    std::optional<std::size_t> count;  // which of the counts; none for count(*)
    std::optional<std::size_t> sum;    // which of the sums
  };
  struct Sum {
    std::size_t argument;
    Type type;
  };
  struct Again {
    std::size_t aggregate;
    Type type;
    std::string sql;
  };

  Rollup() = default;
  Result<> plan();
  Result<> sort_out();
  Result<> plan_differences();
  Result<> plan_merge();
  const ColumnSchema& argument(std::size_t i) const { return rows_->columns()[sql_.groups + i]; }
  std::size_t count_of(std::size_t argument);
  std::string group_id() const;
  std::string shown() const;
  std::string final_of(std::size_t aggregate) const;

  RollupSql sql_;
  std::unique_ptr<Transformation> rows_;
  std::unique_ptr<engine::Connection> connection_;
  std::vector<Undone> undone_;
  std::vector<std::size_t> counts_;  // arguments
  std::vector<Sum> sums_;
  std::vector<Again> again_;
  std::vector<ColumnSchema> columns_;
  std::size_t results_ = 0;
  std::optional<engine::RowQuery> differences_;
  std::optional<engine::RowQuery> merge_;
};

}  // namespace freshet::transform
