// Derived collections: what transformations make of the rows of mirrors, kept in step with them.
//
// Every change of a mirror is carried over in the transaction that applies it, so both are at one
// position. A new collection is filled from the mirror's rows as they were when the filling began,
// a piece with each step; rows that came later come with their changes. While it is filled the
// mirror's segments are not rewritten.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <vector>

#include "base/arena.h"
#include "collection/batch_plan.h"
#include "collection/workspace.h"
#include "transform/rollup.h"
#include "transform/transformation.h"

namespace freshet::collection {

// Used by the source's Writer.
class Derive {
 public:
  explicit Derive(Workspace& workspace) : workspace_(workspace) {}

  // Takes up what is recorded; those that were being filled begin again.
  Result<> load();

  // What a definition means for a table as it is now.
  struct Made {
    std::unique_ptr<transform::Transformation> rows;  // one of the two
    std::unique_ptr<transform::Rollup> rollup;

    const std::vector<ColumnSchema>& columns() const {
      return rollup ? rollup->columns() : rows->columns();
    }
    Identity identity() const { return rollup ? Identity::Key : rows->identity(); }
    explicit operator bool() const { return rows != nullptr || rollup != nullptr; }
    transform::Transformation& of_rows() const { return rollup ? rollup->rows() : *rows; }
  };
  // Errors of the transformation leave everything as it was.
  Result<Made> prepare(TableId table, const transform::Definition& definition) const;
  // Makes a new collection, or gives one another transformation.
  Result<> put(const ViewName& name, TableId table, const transform::Definition& definition,
               Made made);
  bool has(TableId derived) const { return all_.contains(derived); }
  Result<> refill(TableId derived);
  void forget(TableId derived);

  // Carries the changes over that the open transaction has applied to a mirror, as `plan` says. The
  // new rows are complete. With several_parts the transaction has others. A collection for which
  // that fails stops alone.
  Result<> follow(Table& mirror, const TableChanges& changes, const BatchPlan& plan,
                  bool several_parts, Arena& keep);
  // The open transaction has taken back what it did to the mirror.
  Result<> take_back(TableId mirror);
  // The mirror shows other rows than before, or has another shape.
  Result<> mirror_replaced(const Table& mirror);
  Result<> mirror_altered(const Table& mirror);
  Result<> mirror_removed(TableId mirror);

  // Removes rows whose _event_time is older than their collection keeps them, some at a time. Looks
  // once a second. True when there is more.
  Result<bool> expire();
  // Fills what is to be filled for a while, in transactions of its own. True when there is more.
  Result<bool> fill();

 private:
  // What one transaction reads or removes at most.
  static constexpr std::uint64_t rows_at_once = 65'536;

  // A mirror's segment, and how many of its rows were there when the filling began.
  struct Part {
    SegmentId segment = 0;
    std::uint64_t rows = 0;
  };
  struct Derived {
    Made made;                   // nothing when that failed
    bool begun = false;          // filling
    std::vector<Part> left;      // the last one is being read
    std::uint64_t next_row = 0;  // of it
    std::uint64_t rejected = 0;  // in all

    // Whether the mirror's row was counted, or came later than what is left.
    bool has_read(Location at) const;
  };
  // A mirror's part of a batch; a filling has no plan, and all rows of its changes come.
  struct Batch {
    Table& mirror;
    const TableChanges& changes;
    const BatchPlan* plan = nullptr;
  };

  Table& named(const ViewName& name);
  std::vector<std::pair<Table*, Derived*>> made_of(TableId mirror);
  Result<Made> open(const transform::Definition& definition, const Table& mirror) const;
  Result<> follow_one(Table& table, Derived& derived, const Batch& batch, Arena& keep);
  Result<> follow_rows(Table& table, Derived& derived, const TableChanges& changes, Arena& keep);
  Result<> follow_groups(Table& table, Derived& derived, const Batch& batch, Arena& keep);
  Result<> transform_gone(Derived& derived, const Batch& batch, Arena& keep);
  Result<std::vector<Column>> kept_of(Table& table, const transform::Rollup& rollup,
                                      const Column& ids, Arena& keep);
  Result<std::vector<Column>> compute_again(const transform::Rollup& rollup, Table& mirror,
                                            const std::vector<Column>& groups, Arena& keep);
  Result<> follow_keyed(Derived& derived, const TableChanges& changes, std::size_t begin,
                        Arena& keep);
  Result<> follow_whole_rows(Derived& derived, const TableChanges& changes, std::size_t begin,
                             Arena& keep);
  Result<> carry_out(Table& table);
  Result<> reject(Table& table, Derived& derived, const TableChanges& changes);
  Result<> stop(Table& table, Error reason);
  Result<> begin_again(Table& table, Derived& derived);
  Result<> reopen(Table& table, Derived& derived, const Table& mirror);
  Result<> fill_piece(Table& table, Derived& derived, Table& mirror);
  Result<> read_piece(Derived& derived, Table& mirror, TableChanges& rows, Arena& keep);
  void note_readers(TableId mirror);
  Result<bool> expire_some(Table& table);
  // Whose _event_time is before this has left; nothing without a retention.
  static std::optional<Time> oldest_kept(const Table& table);
  static std::size_t event_time(const TableSchema& schema);  // the column's ordinal
  void change_groups(const Table& table, const transform::Rollup& rollup,
                     const std::vector<Column>& before);
  Result<std::size_t> find_expired(Table& table, TableChanges& found, Arena& keep);

  Workspace& workspace_;
  std::map<TableId, Derived> all_;
  std::chrono::steady_clock::time_point expired_at_{};
  BatchPlan plan_;
  // Of the collection that is being worked on.
  std::unique_ptr<TableChanges> changes_;
  transform::Transformed new_;
  transform::Transformed old_;
  bool connection_is_set_ = false;  // for compute_again()
};

}  // namespace freshet::collection
