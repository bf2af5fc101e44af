// One table's part of a batch, worked out against the key index: which of its new rows will be
// stored, where, and which stored rows die. Nothing is written here.
//
// Every new row is given the next row id when it is met. When all of a batch's rows survive, which
// is usual, that was right; else the survivors are numbered again, and rows that were superseded
// within the batch are never stored.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "collection/table.h"
#include "model/change.h"

namespace freshet::collection {

// Reused from table to table, so that it allocates nothing in the long run. One thread.
class BatchPlan {
 public:
  // A new row whose Unchanged values are those of the row at `from`.
  struct Fill {
    std::uint32_t row = 0;
    Location from;
  };
  struct Counts {
    std::uint64_t upserts = 0;  // inserts of a key that was there
    std::uint64_t missing = 0;  // updates and deletes of a key that was not
  };

  // Puts the keys of the changes into the table's index. New rows go into `open`, from row `base`
  // on; a truncation sends those behind it to `fresh`, from its first row on. After an error the
  // index is of no use.
  Result<> make(Table& table, TableChanges& changes, Location open, SegmentId fresh);
  // Numbers the rows that survived; call when all fills are done.
  void settle(Table& table);

  bool truncated() const { return truncated_; }
  SegmentId segment() const { return first_.segment(); }
  std::span<const Fill> fills() const { return fills_; }
  // The new row of the batch that has this location before settle(), if it is one.
  bool in_batch(Location at) const {
    return at.segment() == first_.segment() && at.row() >= first_.row();
  }
  std::uint32_t row_at(Location at) const {
    return picked_[static_cast<std::size_t>(at.row() - first_.row())];
  }
  // The rows to append, in order: ordinals into TableChanges::rows.
  std::span<const std::uint32_t> rows() const { return picked_; }
  // Stored rows that die. Rows of this batch are among them for whole-row identities only.
  std::span<const Location> dead() const { return dead_; }
  const Counts& counts() const { return counts_; }

 private:
  template <typename Index, typename Keys>
  Result<> run(Index& index, const TableChanges& changes, const Keys& keys, const Keys& old_keys);
  template <typename Index, typename Keys>
  Result<> update(Index& index, const Change& change, const Keys& keys, const Keys& old_keys);
  Result<> update(MultiIndex& index, const Change& change, std::span<const Hash128> keys,
                  std::span<const Hash128> old_keys);
  Result<> run_inserts(const TableChanges& changes);
  template <typename Index, typename Keys>
  void settle(Index& index, const Keys& keys);
  template <typename Key>
  void insert(UniqueIndex<Key>& index, const Key& key, std::uint32_t row);
  void insert(MultiIndex& index, const Hash128& key, std::uint32_t row);
  template <typename Key>
  void bury(const UniqueIndex<Key>& index, Location at);
  void bury(const MultiIndex& index, Location at);
  void truncate();
  Location next() const { return Location(first_.segment(), first_.row() + picked_.size()); }
  void pick(std::uint32_t row);
  Result<> note_unchanged(const TableChanges& changes);
  Result<> take_from(std::uint32_t row, const std::optional<Location>& old);

  Location first_;  // of the next rows: those of the batch since the last truncation
  SegmentId fresh_ = 0;
  bool truncated_ = false;
  bool any_gone_ = false;
  std::vector<std::uint32_t> picked_;
  std::vector<std::uint8_t> gone_;  // beside picked_: superseded within the batch
  std::vector<Location> dead_;
  std::vector<Fill> fills_;
  std::vector<std::uint8_t> unchanged_;  // per row of the batch; empty when no row has any
  std::span<const std::int64_t> integers_;
  std::span<const Hash128> hashes_;
  Counts counts_;
};

}  // namespace freshet::collection
