// Changes of rows, column by column: what decode makes and collections apply.
//
// A ChangeSet holds whole transactions only. Within a table the order of `changes` is the order of
// execution; between tables there is none, because all of them become visible together.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/arena.h"
#include "base/result.h"
#include "model/column.h"
#include "model/position.h"
#include "model/schema.h"

namespace freshet {

enum class Op : std::uint8_t { Insert, Update, Delete, Truncate };

struct Change {
  static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();

  Op op = Op::Insert;
  std::uint32_t row = none;  // into TableChanges::rows; none for Delete and Truncate
  std::uint32_t old = none;  // into TableChanges::old; an Update without one names the row by `row`
};

// The changes of one table.
struct TableChanges {
  explicit TableChanges(std::shared_ptr<const TableSchema> table_schema);

  std::shared_ptr<const TableSchema> schema;
  Lsn skip_before;                    // commits that start below are in the table's copy already
  std::vector<std::size_t> identity;  // schema->identity_columns()
  std::vector<Change> changes;
  // The commits that the changes came with, each from its first change on; in order.
  struct Origin {
    std::size_t first = 0;
    Lsn commit_lsn;
    Time commit_time{};
  };
  std::vector<Origin> origins;
  std::vector<Column> rows;  // one per column of the schema: new row images
  std::vector<Column> old;   // one per identity column: what named the old rows

  std::size_t row_count() const { return rows.empty() ? 0 : rows.front().size(); }
  void clear();
};

struct ChangeSet {
  // Tables with an entry here are decoded; changes of any other are skipped.
  std::unordered_map<TableId, std::unique_ptr<TableChanges>> tables;
  Arena arena;                                    // values that had to be built
  std::vector<std::shared_ptr<const void>> keep;  // payloads that string values point into

  // Tables that cannot go on as they are, and why: a value that cannot be represented, or a shape
  // that changed. Their remaining changes were skipped.
  struct Stopped {
    TableId table;
    bool shape_changed;  // the source has altered the table, or it is to be: copy it again
    Error reason;
    std::optional<WidenedColumn> widened{};  // what the copy is to hold a column as
  };
  std::vector<Stopped> stopped;

  Applied applied;  // after the last transaction in here
  std::uint64_t transactions = 0;
  std::uint64_t change_count = 0;
  std::uint64_t payload_bytes = 0;

  // Empties the batch and keeps tables, schemas and capacity.
  void clear();
};

}  // namespace freshet
