// A SELECT over rows of Columns, planned once and run for batch after batch.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/connection.h"
#include "engine/statement.h"
#include "model/column.h"

namespace freshet::engine {

// Used by the thread of its connection, which outlives it.
class RowQuery {
 public:
  // `sql` reads given_rows(), whose columns c0, c1, … have these types.
  static Result<RowQuery> open(Connection& connection, std::string sql, std::vector<Type> types);
  RowQuery(RowQuery&&) noexcept;
  RowQuery& operator=(RowQuery&&) noexcept;
  ~RowQuery();

  const std::vector<ResultColumn>& columns() const;
  // Runs it over the rows named of `first` and then `more`, and hands on chunk by chunk what it
  // gives. No value may be Unchanged.
  Result<> run(std::span<const Column> first, std::span<const Column> more,
               std::span<const std::uint32_t> rows,
               const std::function<Result<>(const Chunk&)>& take);
  // The same over all rows of the columns.
  Result<> run_all(std::span<const Column> columns,
                   const std::function<Result<>(const Chunk&)>& take);

 private:
  struct Handle;
  explicit RowQuery(std::unique_ptr<Handle> handle);
  std::unique_ptr<Handle> handle_;
};

}  // namespace freshet::engine
