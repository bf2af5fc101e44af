// Inserts rows of columns into one table of the engine, again and again, by a statement that is
// planned once. The way for small commits: the engine's own appender parses, binds and plans an
// INSERT at each flush, which costs more than the rows.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/connection.h"
#include "model/column.h"

namespace freshet::engine {

// Used by the thread of its connection, inside its transaction. Rows get the next row ids, densely.
class Inserter {
 public:
  // Types are those of the table's columns, in order. The connection outlives the inserter.
  static Result<Inserter> open(Connection& connection, std::string_view schema,
                               std::string_view table, std::vector<Type> types);
  Inserter(Inserter&&) noexcept;
  Inserter& operator=(Inserter&&) noexcept;
  ~Inserter();

  // Inserts rows [begin, end) of the columns. No value may be Unchanged.
  Result<> insert(std::span<const Column> columns, std::size_t begin, std::size_t end);
  // Inserts the rows named, in that order.
  Result<> insert_selected(std::span<const Column> columns, std::span<const std::uint32_t> rows);

 private:
  struct Handle;
  explicit Inserter(std::unique_ptr<Handle> handle);
  std::unique_ptr<Handle> handle_;
};

}  // namespace freshet::engine
