// Appends columns to a table of the engine, in chunks of 2,048 rows; never row by row.
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
class Appender {
 public:
  struct Handle;
  // Types are those of the table's columns, in order.
  static Result<Appender> open(Connection& connection, std::string_view schema,
                               std::string_view table, std::vector<Type> types);
  Appender(Appender&&) noexcept;
  Appender& operator=(Appender&&) noexcept;
  ~Appender();

  // Appends rows [begin, end) of the columns. No value may be Unchanged.
  Result<> append(std::span<const Column> columns, std::size_t begin, std::size_t end);
  // Appends the rows named, in that order.
  Result<> append_selected(std::span<const Column> columns, std::span<const std::uint32_t> rows);
  // Hands everything to the table; without it nothing arrives. The appender can be used again, in
  // this transaction or the next; after a rollback open a new one, or rows that were not flushed
  // come with the next flush.
  Result<> flush();

 private:
  explicit Appender(std::unique_ptr<Handle> handle);
  std::unique_ptr<Handle> handle_;
};

// The engine's SQL name of a type, as CREATE TABLE takes it: "DECIMAL(12,2)", "VARCHAR",
// "BIGINT[]". Two names are ours, registered by Database::open; both are text below and keep their
// name through views, unions and results:
//   NUMERIC_TEXT  Numeric, as it is stored. Queries see it as a number: as_seen (numeric_value.h).
//   JSONB         Jsonb. Functions and operators for JSON take it. Two want a cast to JSON first:
//                 field access by dot, and to_json() with its kin, which take it for a text.
std::string sql_name(Type type);

}  // namespace freshet::engine
