#include <fmt/core.h>

#include <algorithm>

#include "base/failpoint.h"
#include "collection/alter.h"
#include "collection/copy.h"
#include "collection/derive.h"
#include "collection/rejects.h"
#include "collection/state.h"
#include "collection/store.h"
#include "collection/tidy.h"
#include "collection/unchanged.h"
#include "collection/view.h"
#include "collection/workspace.h"
#include "observe/metrics.h"

namespace freshet::collection {

namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t wal_bytes_max = 256 << 20;
constexpr std::uint64_t wal_bytes_idle = 16 << 20;
constexpr auto checkpoint_interval = 3min;

struct Counters {
  observe::Counter& upserts = observe::counter("freshet_collection_upserts_total",
                                               "Inserts of a key that was there already");
  observe::Counter& missing = observe::counter("freshet_collection_missing_rows_total",
                                               "Updates and deletes of a key that was not there");
  observe::Counter& rows =
      observe::counter("freshet_collection_rows_appended_total", "Rows appended to segments");
};

class SegmentWriter final : public Writer {
 public:
  explicit SegmentWriter(std::unique_ptr<Workspace> workspace)
      : workspace_(std::move(workspace)), derive_(*workspace_), tidy_(*workspace_) {}

  Result<> load() { return derive_.load(); }

  Result<> put_tables(std::span<const TableRecord> tables) override;
  Result<> remove_tables(std::span<const TableId> tables) override;
  Result<std::vector<ChangeSet::Stopped>> apply(ChangeSet& changes, bool more_follows) override;
  void advance(Lsn lsn) override;
  Result<> attach(std::vector<std::unique_ptr<Copy>> copies, TableState state, Lsn snapshot_lsn,
                  Offset replay_from) override;
  std::vector<TableRecord> behind() const override;
  Result<std::vector<ChangeSet::Stopped>> replay(ChangeSet& changes, bool more_follows,
                                                 std::span<const TableId> go_live) override;
  Result<std::vector<ChangeSet::Stopped>> alter(const Alteration& alteration,
                                                bool replayed) override;
  Result<> derive(const ViewName& name, TableId table, const transform::Definition& definition,
                  bool replace) override;
  Result<bool> refill(TableId derived) override;
  Result<> begin_anew(const Applied& start) override;
  Result<> go_live(std::span<const TableId> tables) override;
  Result<bool> tidy() override;
  Result<> checkpoint_if_due() override;

 private:
  using Stopped = std::vector<ChangeSet::Stopped>;

  // Runs one of the public functions: after an error nothing may follow.
  template <typename Action>
  auto guarded(Action&& action) -> decltype(action()) {
    if (broken_) return Error{.message = "use writer: it has failed before"};
    auto result = action();
    if (!result.ok()) {
      broken_ = true;
      workspace_->connection().rollback();
    }
    return result;
  }
  Result<> apply_tables(ChangeSet& changes, bool more_follows, bool replayed, Stopped& stopped);
  Result<> apply_table(Table& table, TableChanges& changes, Arena& keep, Stopped& stopped);
  Result<> stop(Table& table, const ChangeSet::Stopped& reason, Stopped& stopped);
  Result<> put(const TableRecord& record);
  Result<> attach_one(SegmentCopy& copy, TableState state, Lsn snapshot_lsn, Offset replay_from);
  Table* find_behind(TableId id);
  Result<> show_all(std::span<const TableId> tables);
  Result<> go_live_one(TableId id);
  Result<> show(Table& table);
  Result<> check_name(const TableSchema& schema) const;
  bool name_is_taken(const TableSchema& schema) const;

  std::unique_ptr<Workspace> workspace_;
  Derive derive_;
  Tidy tidy_;
  BatchPlan plan_;
  Counters counters_;
  bool in_parts_ = false;  // a large transaction has begun and is not complete
  bool broken_ = false;
};

Result<std::vector<ChangeSet::Stopped>> SegmentWriter::apply(ChangeSet& changes,
                                                             bool more_follows) {
  return guarded([&]() -> Result<Stopped> {
    Stopped stopped;
    TRY(apply_tables(changes, more_follows, false, stopped));
    if (!more_follows) TRY(workspace_->commit({.applied = changes.applied}));
    return stopped;
  });
}

Result<std::vector<ChangeSet::Stopped>> SegmentWriter::replay(ChangeSet& changes, bool more_follows,
                                                              std::span<const TableId> go_live) {
  return guarded([&]() -> Result<Stopped> {
    CHECK(!more_follows || go_live.empty());
    Stopped stopped;
    TRY(apply_tables(changes, more_follows, true, stopped));
    if (more_follows) return stopped;
    for (const auto& [id, table_changes] : changes.tables) {
      Table* table = find_behind(id);
      if (table == nullptr) continue;
      table->stored.record.replay_from = changes.applied.offset;
      table->definition_stale = !table->incoming;
      workspace_->touch(*table);
    }
    TRY(show_all(go_live));
    TRY(workspace_->commit({}));
    return stopped;
  });
}

std::vector<TableRecord> SegmentWriter::behind() const {
  std::vector<TableRecord> records;
  for (const auto& [id, table] : workspace_->incoming()) records.push_back(table.stored.record);
  for (const auto& [id, table] : workspace_->tables()) {
    const TableRecord& record = table.stored.record;
    const bool counted = workspace_->incoming().contains(id) || table.stored.derived();
    if (record.state == TableState::CatchingUp && !counted) records.push_back(record);
  }
  return records;
}

// The table that replayed changes go to.
Table* SegmentWriter::find_behind(TableId id) {
  if (Table* incoming = workspace_->find_incoming(id)) return incoming;
  Table* table = workspace_->find(id);
  if (table == nullptr || table->stored.record.state != TableState::CatchingUp) return nullptr;
  return table->resuming() ? &workspace_->resume(*table) : table;
}

Result<> SegmentWriter::go_live_one(TableId id) {
  Table* table = find_behind(id);
  if (table == nullptr) return {};
  if (table->incoming) table = TRY(workspace_->replace(id));
  table->stored.record.state = TableState::Live;
  table->stored.record.resync = false;
  return show(*table);
}

// `replayed`: for catching-up tables only.
Result<> SegmentWriter::apply_tables(ChangeSet& changes, bool more_follows, bool replayed,
                                     Stopped& stopped) {
  TRY(workspace_->begin());
  const bool several_parts = more_follows || in_parts_;
  for (const ChangeSet::Stopped& reason : changes.stopped) {
    if (Table* table = workspace_->find(reason.table)) TRY(stop(*table, reason, stopped));
  }
  for (const auto& [id, table_changes] : changes.tables) {
    if (table_changes->changes.empty()) continue;
    Table* table = replayed ? find_behind(id) : workspace_->find(id);
    if (table == nullptr || !table->takes_changes()) continue;
    if (!replayed && table->resuming()) continue;
    if (several_parts && !table->before) {
      table->before = Table::Before{table->stored, table->segments};
      workspace_->touch(*table);
    }
    TRY(apply_table(*table, *table_changes, changes.arena, stopped));
    if (replayed || table->stored.record.state != TableState::Live) continue;
    TRY(derive_.follow(*table, *table_changes, plan_, several_parts, changes.arena));
  }
  in_parts_ = more_follows;
  // The marks of a large transaction are not kept in memory.
  if (more_follows) TRY(workspace_->journal().flush());
  return {};
}

Result<> SegmentWriter::apply_table(Table& table, TableChanges& changes, Arena& keep,
                                    Stopped& stopped) {
  const auto stop_for = [&](Error reason, bool shape_changed = false) {
    return stop(table, {table.id(), shape_changed, std::move(reason)}, stopped);
  };
  if (changes.schema != table.stored.record.schema && *changes.schema != table.schema()) {
    return stop_for({.sqlstate = "55000", .message = "its columns are not those of its copy"},
                    true);
  }
  if (Result<> built = workspace_->ensure_index(table); !built.ok()) {
    if (built.error().fault != Fault::Permanent) return built;
    return stop_for(built.error());
  }
  const bool truncates = std::ranges::any_of(
      changes.changes, [](const Change& change) { return change.op == Op::Truncate; });
  const SegmentId fresh = truncates ? workspace_->state().next_segment() : 0;
  const Result<> planned = plan_.make(table, changes, workspace_->open_end(table), fresh);
  if (!planned.ok()) return stop_for(planned.error());
  TRY(fill_unchanged(workspace_->connection(), table, changes, plan_, keep));
  plan_.settle(table);
  counters_.rows.add(static_cast<double>(plan_.rows().size()));
  if (plan_.counts().upserts > 0)
    counters_.upserts.add(static_cast<double>(plan_.counts().upserts));
  if (plan_.counts().missing > 0)
    counters_.missing.add(static_cast<double>(plan_.counts().missing));
  return workspace_->carry_out(table, changes, plan_);
}

Result<> SegmentWriter::stop(Table& table, const ChangeSet::Stopped& reason, Stopped& stopped) {
  if (table.incoming) {
    workspace_->drop_incoming(reason.table);
    return stop(*workspace_->find(reason.table), reason, stopped);
  }
  if (!table.takes_changes()) return {};
  workspace_->drop_incoming(reason.table);
  TRY(derive_.take_back(reason.table));
  TRY(workspace_->stop(table, reason));
  stopped.push_back(reason);
  return {};
}

Result<std::vector<ChangeSet::Stopped>> SegmentWriter::alter(const Alteration& alteration,
                                                             bool replayed) {
  return guarded([&]() -> Result<Stopped> {
    const TableSchema& schema = *alteration.schema;
    Stopped stopped;
    Table* const table = replayed ? find_behind(schema.id) : workspace_->find(schema.id);
    if (table == nullptr || !table->takes_changes()) return stopped;
    if (const Result<> named = check_name(schema); !named.ok()) {
      TRY(workspace_->begin());
      in_parts_ = true;
      TRY(stop(*table, {schema.id, false, named.error()}, stopped));
      return stopped;
    }
    if (!workspace_->in_transaction()) TRY(workspace_->state().ensure_schema(schema.schema));
    TRY(workspace_->begin());
    in_parts_ = true;
    TRY(alter_table(*workspace_, *table, alteration));
    if (!replayed) TRY(derive_.mirror_altered(*table));
    return stopped;
  });
}

void SegmentWriter::advance(Lsn lsn) {
  if (workspace_->stale_at() != Lsn{}) return;
  workspace_->state().versions.change_newest([&](Version& version) {
    Applied visible = version.applied_of(workspace_->source());
    visible.lsn = std::max(visible.lsn, lsn);
    version.set_applied(workspace_->source(), visible);
  });
}

Result<> SegmentWriter::put_tables(std::span<const TableRecord> tables) {
  return guarded([&]() -> Result<> {
    CHECK(!in_parts_);
    for (const TableRecord& record : tables) {
      if (check_can_be_shown(*record.schema).ok()) {
        TRY(workspace_->state().ensure_schema(record.schema->schema));
      }
    }
    TRY(workspace_->begin());
    for (const TableRecord& record : tables) TRY(put(record));
    return workspace_->commit({});
  });
}

Result<> SegmentWriter::put(const TableRecord& record) {
  CHECK(record.source == workspace_->source());
  Table& table = workspace_->tables()[record.schema->id];
  workspace_->touch(table);
  const bool known = table.stored.record.schema != nullptr;
  if (table.segments.empty()) table.stored.layout = layout_of(*record.schema);
  const bool same_schema = known && *table.stored.record.schema == *record.schema;
  table.stored.record = record;
  table.definition_stale = true;
  if (record.state != TableState::Live || !record.resync) {
    workspace_->drop_incoming(record.schema->id);
  }
  if (!same_schema) {
    table.index = {};
    table.set_schema_keys();
  }
  if (record.state == TableState::Failed) return {};
  if (const Result<> named = check_name(*record.schema); !named.ok()) {
    table.stored.record.state = TableState::Failed;
    table.stored.record.last_error = named.error().message;
    return {};
  }
  if (!table.takes_changes()) return {};
  if (table.stored.layout != layout_of(*record.schema)) {
    table.stored.record.state = TableState::Failed;
    table.stored.record.last_error = "its columns are not those of its copy";
    return {};
  }
  if (record.state == TableState::Live && !(same_schema && table.stored.view)) return show(table);
  return {};
}

Result<> SegmentWriter::begin_anew(const Applied& start) {
  return guarded([&]() -> Result<> {
    CHECK(!in_parts_);
    Lsn stale_at = workspace_->stale_at();
    const bool shows_rows = std::ranges::any_of(
        workspace_->tables(), [](const auto& each) { return each.second.stored.view.has_value(); });
    if (shows_rows && stale_at == Lsn{}) {
      stale_at = workspace_->state().versions.newest()->applied_of(workspace_->source()).lsn;
    }
    TRY(workspace_->begin());
    return workspace_->commit({.applied = start, .stale_at = shows_rows ? stale_at : Lsn{}});
  });
}

Result<> SegmentWriter::go_live(std::span<const TableId> tables) {
  return guarded([&]() -> Result<> {
    CHECK(!in_parts_);
    TRY(workspace_->begin());
    TRY(show_all(tables));
    return workspace_->commit({.stale_at = Lsn{}});
  });
}

Result<> SegmentWriter::show_all(std::span<const TableId> tables) {
  for (const TableId id : tables) TRY(go_live_one(id));
  return {};
}

// Makes a live table's rows what its view shows.
Result<> SegmentWriter::show(Table& table) {
  workspace_->touch(table);
  workspace_->retire(table.stored.shown);
  table.stored.shown.clear();
  table.view_stale = table.definition_stale = true;
  return derive_.mirror_replaced(table);
}

Result<> SegmentWriter::derive(const ViewName& name, TableId table,
                               const transform::Definition& definition, bool replace) {
  // What the user got wrong is no failure of the writer.
  CHECK(!in_parts_);
  auto made = TRY(derive_.prepare(table, definition));
  TableSchema shown{.schema = name.schema, .name = name.name, .columns = made.columns()};
  for (const auto& [id, each] : workspace_->tables()) {
    if (replace && each.stored.derived() && each.view_name() == name) shown.id = id;
  }
  TRY(check_name(shown));
  return guarded([&]() -> Result<> {
    TRY(workspace_->state().ensure_schema(name.schema));
    TRY(workspace_->begin());
    TRY(derive_.put(name, table, definition, std::move(made)));
    return workspace_->commit({});
  });
}

Result<bool> SegmentWriter::refill(TableId derived) {
  CHECK(!in_parts_);
  if (!derive_.has(derived)) return false;
  TRY(workspace_->begin());
  // It may not fit its table any more, which is not the writer's failure.
  if (Result<> refilled = derive_.refill(derived); !refilled.ok()) {
    workspace_->connection().rollback();
    return refilled.error();
  }
  return guarded([&]() -> Result<bool> {
    TRY(workspace_->commit({}));
    return true;
  });
}

Result<> SegmentWriter::check_name(const TableSchema& schema) const {
  TRY(check_can_be_shown(schema));
  if (!name_is_taken(schema)) return {};
  return Error{
      .sqlstate = "42P07",
      .message = fmt::format("another table is called {} already", schema.qualified_name()),
      .hint = "Leave one of the two out, or rename it on its source."};
}

// By a table that is shown under that name, or is on its way there.
bool SegmentWriter::name_is_taken(const TableSchema& schema) const {
  const ViewName name{schema.schema, schema.name};
  const auto takes_it = [&](const StoredTable& other) {
    const TableSchema& its = *other.record.schema;
    const bool named = same_name({its.schema, its.name}, name);
    // The view of a live table follows its name with the next commit.
    if (other.record.state == TableState::Live) return named;
    if (other.view && same_name(*other.view, name)) return true;
    return other.record.state != TableState::Failed && named;
  };
  for (const auto& [id, table] : workspace_->tables()) {
    if (id != schema.id && table.stored.record.schema && takes_it(table.stored)) return true;
  }
  return workspace_->state().recorded.with([&](const Recorded& recorded) {
    return std::ranges::any_of(recorded.tables, [&](const auto& each) {
      return each.first.source != workspace_->source() && takes_it(each.second);
    });
  });
}

Result<> SegmentWriter::remove_tables(std::span<const TableId> tables) {
  return guarded([&]() -> Result<> {
    CHECK(!in_parts_);
    TRY(workspace_->begin());
    for (const TableId table : tables) {
      if (derive_.has(table)) {
        TRY(forget_rejected(workspace_->connection(), workspace_->source(), table));
        derive_.forget(table);
      }
      TRY(workspace_->remove(table));
      TRY(derive_.mirror_removed(table));
    }
    return workspace_->commit({});
  });
}

Result<> SegmentWriter::attach(std::vector<std::unique_ptr<Copy>> copies, TableState state,
                               Lsn snapshot_lsn, Offset replay_from) {
  return guarded([&]() -> Result<> {
    CHECK(!in_parts_ && (state == TableState::Live || state == TableState::CatchingUp));
    std::vector<SegmentCopy*> finished;
    for (const auto& copy : copies) {
      finished.push_back(static_cast<SegmentCopy*>(copy.get()));
      CHECK(finished.back()->finished());
      TRY(workspace_->state().ensure_schema(copy->schema().schema));
    }
    TRY(workspace_->begin());
    for (SegmentCopy* copy : finished) TRY(attach_one(*copy, state, snapshot_lsn, replay_from));
    TRY(workspace_->commit({}));
    for (SegmentCopy* copy : finished) {
      Table* incoming = workspace_->find_incoming(copy->schema().id);
      Table* table = incoming != nullptr ? incoming : workspace_->find(copy->schema().id);
      const std::vector<LoadedSegment> loaded = copy->segments();
      if (table->find(loaded.front().id) != nullptr) copy->attached();
    }
    return {};
  });
}

Result<> SegmentWriter::attach_one(SegmentCopy& copy, TableState state, Lsn snapshot_lsn,
                                   Offset replay_from) {
  Table* const known = workspace_->find(copy.schema().id);
  const bool beside =
      known != nullptr && known->stored.record.resync && state == TableState::CatchingUp;
  Table& table =
      beside ? workspace_->add_incoming(copy.schema().id) : workspace_->tables()[copy.schema().id];
  workspace_->touch(table);
  TableRecord& record = table.stored.record;
  if (beside) record = known->stored.record;
  record.source = workspace_->source();
  record.schema = copy.shared_schema();
  record.catalog = copy.catalog();
  record.snapshot_lsn = snapshot_lsn;
  record.replay_from = replay_from;
  table.definition_stale = !beside;
  if (const Result<> named = check_name(copy.schema()); !named.ok()) {
    if (beside) {
      workspace_->drop_incoming(copy.schema().id);
      return {};
    }
    record.state = TableState::Failed;
    record.last_error = named.error().message;
    return {};
  }
  record.state = state;
  record.last_error.clear();
  // Until the new rows have caught up, the view goes on showing the old ones.
  if (state == TableState::CatchingUp && table.stored.view && table.stored.shown.empty()) {
    for (const Segment& segment : table.segments) table.stored.shown.push_back(segment.id);
    table.segments.clear();
  }
  workspace_->retire_all(table);
  const auto layout = segment_layout(copy.schema());
  for (const LoadedSegment& loaded : copy.segments()) {
    table.segments.push_back({.id = loaded.id,
                              .layout = layout,
                              .rows = loaded.rows,
                              .committed_rows = loaded.rows,
                              .bits = {}});
  }
  table.sealed = false;
  table.stored.layout = layout_of(copy.schema());
  table.stored.constants.clear();
  table.set_schema_keys();
  table.index = copy.take_index();
  return state == TableState::Live ? show(table) : Result<>{};
}

Result<bool> SegmentWriter::tidy() {
  return guarded([&]() -> Result<bool> {
    if (in_parts_) return false;
    bool more = TRY(tidy_.step());
    more = TRY(derive_.fill()) || more;
    return TRY(derive_.expire()) || more;
  });
}

Result<> SegmentWriter::checkpoint_if_due() {
  return guarded([&]() -> Result<> {
    if (in_parts_) return {};
    Store::State& state = workspace_->state();
    const std::uint64_t waiting = state.database->wal_bytes();
    const auto now = std::chrono::steady_clock::now();
    const bool due =
        waiting > wal_bytes_max ||
        (waiting > wal_bytes_idle && now - state.checkpointed.get() > checkpoint_interval);
    if (!due) return {};
    FAILPOINT("store.checkpoint.before");
    Result<> done = state.database->checkpoint();
    FAILPOINT("store.checkpoint.after");
    if (done.ok()) state.checkpointed.with([&](auto& at) { at = now; });
    // Somebody writes, a copy perhaps: the log grows a little longer.
    if (!done.ok() && done.error().fault == Fault::Transient) return {};
    return done;
  });
}

}  // namespace

Result<std::unique_ptr<Writer>> make_writer(std::shared_ptr<Store::State> state, SourceId source) {
  auto workspace = TRY(Workspace::open(std::move(state), source));
  auto writer = std::make_unique<SegmentWriter>(std::move(workspace));
  TRY(writer->load());
  return std::unique_ptr<Writer>(std::move(writer));
}

}  // namespace freshet::collection
