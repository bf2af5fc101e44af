// A transformation of one table, planned for the columns the table has now: rows of a batch in,
// rows of its collection out.
//
// It runs on a connection of its own, outside of any transaction, so that a row that fails spoils
// nothing. Such a row is found by halving the batch.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/arena.h"
#include "base/result.h"
#include "engine/database.h"
#include "engine/row_query.h"
#include "model/change.h"
#include "model/schema.h"
#include "transform/definition.h"

namespace freshet::transform {

struct Rejected {
  std::uint32_t row = 0;
  Error reason;
};

// What came out of some rows.
struct Transformed {
  std::vector<Column> columns;
  std::vector<std::uint32_t> from;  // beside them: the rows they were made of, ascending
  std::vector<Rejected> rejected;   // ascending too

  void drop_to(std::size_t rows);
};

// One thread.
class Transformation {
 public:
  // 42601, 42703 and the like for SQL that does not fit the table, 42P16 for a primary key that is
  // not made of the table's key alone.
  static Result<std::unique_ptr<Transformation>> open(engine::Database& database,
                                                      const Definition& definition,
                                                      std::shared_ptr<const TableSchema> table);
  // One whose rows need no key: `sql` as it is.
  static Result<std::unique_ptr<Transformation>> open_without_key(
      engine::Database& database, const std::string& sql, std::shared_ptr<const TableSchema> table);

  // The columns of the collection, numbered from 1 on, and how its rows are told apart: by the
  // columns that are in_key, or as those of the table are.
  const std::vector<ColumnSchema>& columns() const { return columns_; }
  Identity identity() const { return identity_; }
  const TableSchema& table() const { return *table_; }

  // Runs over these new rows of `changes`. Strings of the result lie in `keep`.
  Result<> run(const TableChanges& changes, std::span<const std::uint32_t> rows, Arena& keep,
               Transformed& out);
  // The same over whole old rows. For identity Full.
  Result<> run_old(const TableChanges& changes, std::span<const std::uint32_t> rows, Arena& keep,
                   Transformed& out);
  // The keys of the collection's rows that were made of rows with this identity: one column per key
  // column. For identity Key.
  Result<> keys(std::span<const Column> identity, Arena& keep, Transformed& out);
  // A row of `columns`, which are the table's, as a JSON object.
  Result<std::string> print(std::span<const Column> columns, std::uint32_t row);

 private:
  Transformation() = default;
  Result<> connect(engine::Database& database);
  Result<> plan(const Definition& definition);
  Result<> choose_key(const Definition& definition);
  Result<> open_row_query(const std::string& sql);
  Result<std::vector<std::string>> names_made_by(const std::string& sql);
  Result<> plan_rows();
  Result<> plan_keys();
  Result<> run_all(engine::RowQuery& query, std::span<const Column> first,
                   std::span<const std::uint32_t> rows, Arena& keep, Transformed& out);
  Result<> run_rows(std::span<const Column> columns, std::span<const std::uint32_t> rows,
                    Arena& keep, Transformed& out);
  void describe_rows(const TableChanges& changes);
  void number_rows(std::size_t rows);
  void refuse_null_keys(Transformed& out) const;

  std::shared_ptr<const TableSchema> table_;
  std::unique_ptr<engine::Connection> connection_;
  std::vector<ColumnSchema> columns_;
  Identity identity_ = Identity::Key;
  bool without_key_ = false;
  std::string rows_sql_;             // the user's, with the number of the row
  std::string key_sql_;              // the key's columns, of the table's key
  std::vector<std::size_t> key_;     // ordinals of the key's columns
  std::vector<bool> metadata_read_;  // beside metadata_columns
  std::size_t made_columns_ = 0;     // of rows_sql_, without the row's number
  std::optional<engine::RowQuery> row_query_;
  std::optional<engine::RowQuery> key_query_;
  std::optional<engine::RowQuery> print_query_;
  std::vector<Column> metadata_;        // beside metadata_columns, then the row's number
  std::deque<std::string> texts_;       // that metadata_ points into
  std::vector<std::uint32_t> numbers_;  // 0, 1, 2 …
};

}  // namespace freshet::transform
