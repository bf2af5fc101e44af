// The changes of a mirror as changes of what is made of it, row by row.
#include "collection/derive.h"
#include "collection/rejects.h"
#include "observe/metrics.h"

namespace freshet::collection {

namespace {

// Where each of some ascending rows went: its place in `made`, or none.
class Places {
 public:
  explicit Places(const transform::Transformed& made) : from_(made.from) {}
  std::uint32_t operator()(std::uint32_t row) {
    while (at_ < from_.size() && from_[at_] < row) ++at_;
    if (at_ == from_.size() || from_[at_] != row) return Change::none;
    return static_cast<std::uint32_t>(at_);
  }

 private:
  const std::vector<std::uint32_t>& from_;
  std::size_t at_ = 0;
};

}  // namespace

Result<> Derive::follow(Table& mirror, const TableChanges& changes, const BatchPlan& plan,
                        bool several_parts, Arena& keep) {
  if (all_.empty()) return {};
  for (const auto& [table, derived] : made_of(mirror.id())) {
    if (!table->takes_changes() || !derived->made) continue;
    // What comes before the filling begins is in the rows it reads.
    if (table->stored.record.state == TableState::CatchingUp && !derived->begun) continue;
    if (several_parts && !table->before) {
      table->before = Table::Before{table->stored, table->segments};
      workspace_.touch(*table);
    }
    Result<> followed = follow_one(*table, *derived, {mirror, changes, &plan}, keep);
    if (followed.ok()) continue;
    if (followed.error().fault != Fault::Permanent) return followed;
    TRY(stop(*table, std::move(followed).error()));
  }
  return {};
}

Result<> Derive::follow_one(Table& table, Derived& derived, const Batch& batch, Arena& keep) {
  changes_ = std::make_unique<TableChanges>(table.stored.record.schema);
  if (batch.plan != nullptr && batch.plan->truncated()) {
    changes_->changes.push_back({Op::Truncate});
    derived.left.clear();
  }
  if (derived.made.rollup) return follow_groups(table, derived, batch, keep);
  return follow_rows(table, derived, batch.changes, keep);
}

Result<> Derive::follow_rows(Table& table, Derived& derived, const TableChanges& changes,
                             Arena& keep) {
  // Nothing is left of what came before the last truncation, and its rows may not be complete.
  std::size_t begin = 0;
  for (std::size_t i = 0; i < changes.changes.size(); ++i) {
    if (changes.changes[i].op == Op::Truncate) begin = i + 1;
  }
  std::vector<std::uint32_t> rows;
  for (std::size_t i = begin; i < changes.changes.size(); ++i) {
    if (changes.changes[i].row != Change::none) rows.push_back(changes.changes[i].row);
  }
  TRY(derived.made.rows->run(changes, rows, keep, new_));
  TRY(reject(table, derived, changes));
  if (derived.made.identity() == Identity::Key) {
    TRY(follow_keyed(derived, changes, begin, keep));
  } else {
    TRY(follow_whole_rows(derived, changes, begin, keep));
  }
  changes_->rows = std::move(new_.columns);
  if (!old_.columns.empty()) changes_->old = std::move(old_.columns);
  return carry_out(table);
}

// Every old row is named by its key, which follows from the key of the mirror's old row.
Result<> Derive::follow_keyed(Derived& derived, const TableChanges& changes, std::size_t begin,
                              Arena& keep) {
  std::vector<Column> identity;
  for (const std::size_t ordinal : changes.identity) {
    identity.emplace_back(changes.schema->columns[ordinal].type);
  }
  Places made(new_);
  std::uint32_t asked = 0;
  const auto ask = [&](const Change& change) {
    for (std::size_t i = 0; i < identity.size(); ++i) {
      if (change.old != Change::none) {
        identity[i].append_from(changes.old[i], change.old);
      } else {
        identity[i].append_from(changes.rows[changes.identity[i]], change.row);
      }
    }
    return asked++;
  };
  for (std::size_t i = begin; i < changes.changes.size(); ++i) {
    const Change& change = changes.changes[i];
    const std::uint32_t row = change.row == Change::none ? Change::none : made(change.row);
    if (change.op == Op::Insert) {
      if (row != Change::none) changes_->changes.push_back({Op::Insert, row});
    } else if (row == Change::none) {
      changes_->changes.push_back({Op::Delete, Change::none, ask(change)});
    } else {
      const std::uint32_t old = change.old == Change::none ? Change::none : ask(change);
      changes_->changes.push_back({Op::Update, row, old});
    }
  }
  old_ = {};
  if (asked == 0) return {};
  TRY(derived.made.rows->keys(identity, keep, old_));
  if (old_.from.size() == asked) return {};
  // Where the key cannot be made, no row was made before.
  Places keys(old_);
  std::erase_if(changes_->changes, [&](Change& change) {
    if (change.old == Change::none) return false;
    change.old = keys(change.old);
    if (change.op == Op::Update && change.old == Change::none) change.op = Op::Insert;
    return change.op == Op::Delete && change.old == Change::none;
  });
  return {};
}

// Old rows are transformed too: equal rows make equal rows.
Result<> Derive::follow_whole_rows(Derived& derived, const TableChanges& changes, std::size_t begin,
                                   Arena& keep) {
  std::vector<std::uint32_t> rows;
  for (std::size_t i = begin; i < changes.changes.size(); ++i) {
    if (changes.changes[i].old != Change::none) rows.push_back(changes.changes[i].old);
  }
  old_ = {};
  if (!rows.empty()) TRY(derived.made.rows->run_old(changes, rows, keep, old_));
  Places made(new_);
  Places named(old_);
  for (std::size_t i = begin; i < changes.changes.size(); ++i) {
    const Change& change = changes.changes[i];
    const std::uint32_t old = change.old == Change::none ? Change::none : named(change.old);
    if (old != Change::none) changes_->changes.push_back({Op::Delete, Change::none, old});
    const std::uint32_t row = change.row == Change::none ? Change::none : made(change.row);
    if (row != Change::none) changes_->changes.push_back({Op::Insert, row});
  }
  return {};
}

Result<> Derive::carry_out(Table& table) {
  if (changes_->changes.empty()) return {};
  TRY(workspace_.ensure_index(table));
  const bool truncates = changes_->changes.front().op == Op::Truncate;
  const SegmentId fresh = truncates ? workspace_.state().next_segment() : 0;
  TRY(plan_.make(table, *changes_, workspace_.open_end(table), fresh));
  if (plan_.counts().upserts > 0 && !all_.at(table.id()).made.rollup) {
    return Error{.sqlstate = "23505",
                 .message = "two rows of the table make rows with the same primary key",
                 .hint = "Make the primary key of all columns of the table's key."};
  }
  plan_.settle(table);
  return workspace_.carry_out(table, *changes_, plan_);
}

Result<> Derive::reject(Table& table, Derived& derived, const TableChanges& changes) {
  if (new_.rejected.empty()) return {};
  static observe::Counter& counter = observe::counter("freshet_collection_rejected_rows_total",
                                                      "Rows for which a transformation failed.");
  counter.add(static_cast<double>(new_.rejected.size()));
  if (table.stored.derivation->definition.on_error == transform::OnError::Stop) {
    return std::move(new_.rejected.front().reason);
  }
  const std::size_t count = new_.rejected.size();
  const std::size_t first = count > rejected_rows_max ? count - rejected_rows_max : 0;
  derived.rejected += first;
  std::vector<RejectedRow> rows;
  for (std::size_t i = first; i < count; ++i) {
    const transform::Rejected& each = new_.rejected[i];
    rows.push_back({.source = workspace_.source(),
                    .collection = table.id(),
                    .number = ++derived.rejected,
                    .at = {},
                    .lsn = {},
                    .sqlstate = each.reason.sqlstate,
                    .message = each.reason.message,
                    .row = TRY(derived.made.of_rows().print(changes.rows, each.row))});
    if (!changes.origins.empty()) rows.back().lsn = to_string(changes.origins.back().commit_lsn);
  }
  return add_rejected(workspace_.connection(), rows);
}

}  // namespace freshet::collection
