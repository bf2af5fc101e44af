#include "collection/batch_plan.h"

#include <fmt/core.h>

namespace freshet::collection {

namespace {

Error cannot_apply(std::string message, std::string hint) {
  return {.sqlstate = "55000", .message = std::move(message), .hint = std::move(hint)};
}

// A toasted key that did not change comes only with what names the old row.
void complete_keys(TableChanges& changes) {
  for (std::size_t i = 0; i < changes.identity.size(); ++i) {
    Column& column = changes.rows[changes.identity[i]];
    if (column.all_present()) continue;
    for (const Change& change : changes.changes) {
      if (change.row == Change::none || change.old == Change::none) continue;
      if (column.state(change.row) != ValueState::Unchanged) continue;
      column.fill_from(change.row, changes.old[i], change.old);
    }
  }
}

std::vector<const Column*> identity_of_rows(const TableChanges& changes) {
  std::vector<const Column*> columns;
  for (const std::size_t ordinal : changes.identity) columns.push_back(&changes.rows[ordinal]);
  return columns;
}

std::vector<const Column*> identity_of_old(const TableChanges& changes) {
  std::vector<const Column*> columns;
  for (const Column& column : changes.old) columns.push_back(&column);
  return columns;
}

Result<> check_keys(const TableChanges& changes) {
  if (changes.schema->identity != Identity::Key) return {};
  const auto check = [&](const Column& column) -> Result<> {
    if (column.all_present()) return {};
    return cannot_apply("a row has no value in its key",
                        "ALTER COLLECTION … RESYNC copies it again.");
  };
  for (const Column* column : identity_of_rows(changes)) TRY(check(*column));
  for (const Column* column : identity_of_old(changes)) TRY(check(*column));
  return {};
}

}  // namespace

Result<> BatchPlan::make(Table& table, TableChanges& changes, Location open, SegmentId fresh) {
  first_ = open;
  fresh_ = fresh;
  truncated_ = false;
  any_gone_ = false;
  picked_.clear();
  gone_.clear();
  dead_.clear();
  fills_.clear();
  counts_ = {};
  complete_keys(changes);
  TRY(check_keys(changes));
  TRY(note_unchanged(changes));
  if (auto* index = std::get_if<IntegerIndex>(&table.index)) {
    integers_ = table.row_keys.integers(*identity_of_rows(changes).front());
    return run(*index, changes, integers_,
               table.old_keys.integers(*identity_of_old(changes).front()));
  }
  if (std::holds_alternative<std::monostate>(table.index)) return run_inserts(changes);
  hashes_ = table.row_keys.hashes(identity_of_rows(changes));
  const auto old_hashes = table.old_keys.hashes(identity_of_old(changes));
  if (auto* index = std::get_if<HashIndex>(&table.index)) {
    return run(*index, changes, hashes_, old_hashes);
  }
  return run(std::get<MultiIndex>(table.index), changes, hashes_, old_hashes);
}

template <typename Index, typename Keys>
Result<> BatchPlan::run(Index& index, const TableChanges& changes, const Keys& keys,
                        const Keys& old_keys) {
  for (const Change& change : changes.changes) {
    switch (change.op) {
      case Op::Insert:
        TRY(take_from(change.row, std::nullopt));
        insert(index, keys[change.row], change.row);
        break;
      case Op::Update: TRY(update(index, change, keys, old_keys)); break;
      case Op::Delete: {
        CHECK(change.old != Change::none);
        const std::optional<Location> old = index.take(old_keys[change.old]);
        if (old) bury(index, *old);
        counts_.missing += old ? 0U : 1U;
        break;
      }
      case Op::Truncate:
        index.clear();
        truncate();
        break;
    }
  }
  return {};
}

template <typename Index, typename Keys>
Result<> BatchPlan::update(Index& index, const Change& change, const Keys& keys,
                           const Keys& old_keys) {
  const auto& key = keys[change.row];
  if (change.old == Change::none || old_keys[change.old] == key) {
    const std::optional<Location> old = index.put(key, next());
    counts_.missing += old ? 0U : 1U;
    TRY(take_from(change.row, old));
    if (old) bury(index, *old);
    pick(change.row);
    return {};
  }
  const std::optional<Location> old = index.take(old_keys[change.old]);
  counts_.missing += old ? 0U : 1U;
  TRY(take_from(change.row, old));
  if (old) bury(index, *old);
  insert(index, key, change.row);
  return {};
}

Result<> BatchPlan::update(MultiIndex& index, const Change& change, std::span<const Hash128> keys,
                           std::span<const Hash128> old_keys) {
  if (change.old == Change::none) {
    return cannot_apply("an update does not say which row it changes",
                        "Check the replica identity of the table on the source.");
  }
  const std::optional<Location> old = index.take(old_keys[change.old]);
  counts_.missing += old ? 0U : 1U;
  TRY(take_from(change.row, old));
  if (old) bury(index, *old);
  insert(index, keys[change.row], change.row);
  return {};
}

Result<> BatchPlan::run_inserts(const TableChanges& changes) {
  for (const Change& change : changes.changes) {
    switch (change.op) {
      case Op::Insert:
        TRY(take_from(change.row, std::nullopt));
        pick(change.row);
        break;
      case Op::Truncate: truncate(); break;
      case Op::Update:
      case Op::Delete:
        return cannot_apply(
            "an update or delete came for a table without a replica identity",
            "Give the table a primary key or a replica identity, then copy it again.");
    }
  }
  return {};
}

template <typename Key>
void BatchPlan::insert(UniqueIndex<Key>& index, const Key& key, std::uint32_t row) {
  if (const std::optional<Location> old = index.put(key, next())) {
    ++counts_.upserts;
    bury(index, *old);
  }
  pick(row);
}

void BatchPlan::insert(MultiIndex& index, const Hash128& key, std::uint32_t row) {
  index.add(key, next());
  pick(row);
}

template <typename Key>
void BatchPlan::bury(const UniqueIndex<Key>& /*index*/, Location at) {
  if (!in_batch(at)) return dead_.push_back(at);
  gone_[static_cast<std::size_t>(at.row() - first_.row())] = 1;
  any_gone_ = true;
}

// Finding a location again among many equal rows could take long, so here every row is stored.
void BatchPlan::bury(const MultiIndex& /*index*/, Location at) {
  dead_.push_back(at);
}

void BatchPlan::truncate() {
  truncated_ = true;
  any_gone_ = false;
  first_ = Location(fresh_, 0);
  picked_.clear();
  gone_.clear();
  dead_.clear();
  fills_.clear();
}

void BatchPlan::pick(std::uint32_t row) {
  picked_.push_back(row);
  gone_.push_back(0);
}

Result<> BatchPlan::note_unchanged(const TableChanges& changes) {
  unchanged_.clear();
  for (const Column& column : changes.rows) {
    if (column.all_present()) continue;
    for (std::size_t row = 0; row < column.size(); ++row) {
      if (column.state(row) != ValueState::Unchanged) continue;
      if (unchanged_.empty()) unchanged_.resize(column.size());
      unchanged_[row] = 1;
    }
  }
  return {};
}

Result<> BatchPlan::take_from(std::uint32_t row, const std::optional<Location>& old) {
  if (unchanged_.empty() || unchanged_[row] == 0) return {};
  if (!old) {
    return cannot_apply("an update left out an unchanged large value of a row that is not here",
                        "ALTER COLLECTION … RESYNC copies the table again.");
  }
  fills_.push_back({.row = row, .from = *old});
  return {};
}

void BatchPlan::settle(Table& table) {
  if (!any_gone_) return;
  if (auto* index = std::get_if<IntegerIndex>(&table.index)) return settle(*index, integers_);
  settle(std::get<HashIndex>(table.index), hashes_);
}

template <typename Index, typename Keys>
void BatchPlan::settle(Index& index, const Keys& keys) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < picked_.size(); ++i) {
    if (gone_[i] != 0) continue;
    if (kept != i) {
      std::uint64_t* const slot = index.find(keys[picked_[i]]);
      CHECK(slot != nullptr && *slot == Location(first_.segment(), first_.row() + i).value);
      *slot = Location(first_.segment(), first_.row() + kept).value;
      picked_[kept] = picked_[i];
    }
    ++kept;
  }
  picked_.resize(kept);
}

}  // namespace freshet::collection
