#include "collection/workspace.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/failpoint.h"
#include "collection/view.h"

namespace freshet::collection {

namespace {

constexpr std::size_t inserters_max = 256;

// Rows first, first + 1, … last are copied faster than rows picked one by one.
bool consecutive(std::span<const std::uint32_t> rows) {
  return rows.back() - rows.front() == rows.size() - 1;
}

std::vector<SegmentId> ids_of(const std::vector<Segment>& segments) {
  std::vector<SegmentId> ids;
  for (const Segment& segment : segments) ids.push_back(segment.id);
  return ids;
}

// The bits that readers see, to be edited without changing them.
SegmentBits continued_bits(const Store::State& state, SegmentId segment) {
  const auto version = state.versions.newest();
  const SegmentBits* bits = version->root->find(segment);
  return bits == nullptr ? SegmentBits() : SegmentBits::continued(*bits);
}

}  // namespace

Workspace::Workspace(std::shared_ptr<Store::State> state, SourceId source,
                     std::unique_ptr<engine::Connection> connection)
    : state_(std::move(state)), source_(source), connection_(std::move(connection)) {}

Workspace::~Workspace() {
  // Nobody names what lies only in incoming tables: the next Writer drops it.
  std::vector<SegmentId> unnamed;
  for (const auto& [id, table] : incoming_) {
    const auto own = own_segments(table);
    unnamed.insert(unnamed.end(), own.begin(), own.end());
  }
  state_->retired.with([&](std::vector<Retired>& all) {
    if (!unnamed.empty()) all.push_back({.version = 0, .segments = std::move(unnamed)});
  });
  inserters_.clear();
  journal_.reset();
  connection_->rollback();
  incoming_.clear();
  state_->recorded.with([&](Recorded& recorded) {
    record_incoming(recorded);
    recorded.writers.erase(source_);
  });
}

Result<std::unique_ptr<Workspace>> Workspace::open(std::shared_ptr<Store::State> state,
                                                   SourceId source) {
  auto connection = TRY(state->database->connect({.progress = false}));
  const bool free = state->recorded.with([&](Recorded& recorded) {
    return recorded.sources.contains(source) && recorded.writers.insert(source).second;
  });
  if (!free) return Error{.message = "open writer: the source has one, or is not known"};
  std::unique_ptr<Workspace> workspace(
      new Workspace(std::move(state), source, std::move(connection)));
  TRY(workspace->load_tables().context("open writer"));
  return workspace;
}

Result<> Workspace::load_tables() {
  std::vector<StoredTable> stored;
  state_->recorded.with([&](const Recorded& recorded) {
    applied_ = recorded.sources.at(source_).applied;
    stale_at_ = recorded.sources.at(source_).stale_at;
    for (const auto& [key, table] : recorded.tables) {
      if (key.source == source_) stored.push_back(table);
    }
  });
  const auto layouts = TRY(read_layouts(*connection_));
  for (StoredTable& each : stored) {
    Table& table = tables_[each.record.schema->id];
    const auto rows = TRY(count_rows(*connection_, each.segments));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      Segment segment{.id = each.segments[i],
                      .layout = layouts.at(each.segments[i]),
                      .rows = rows[i],
                      .committed_rows = rows[i],
                      .bits = continued_bits(*state_, each.segments[i])};
      segment.filtered = segment.bits.dead_count() > 0;
      table.segments.push_back(std::move(segment));
    }
    table.stored = std::move(each);
    table.set_schema_keys();
  }
  const auto rows =
      TRY(connection_->query("SELECT count(*) FROM store._meta." + journal_name(source_)));
  journal_.emplace(*connection_, source_, std::stoull(rows.at(0).at(0).value_or("0")));
  return {};
}

Table* Workspace::find(TableId table) {
  const auto found = tables_.find(table);
  return found == tables_.end() ? nullptr : &found->second;
}

void Workspace::touch(Table& table) {
  if (table.touched) return;
  table.touched = true;
  touched_.push_back(&table);
}

Table* Workspace::find_incoming(TableId table) {
  const auto found = incoming_.find(table);
  return found == incoming_.end() ? nullptr : &found->second;
}

Table& Workspace::add_incoming(TableId id) {
  drop_incoming(id);
  Table& table = incoming_[id];
  table.incoming = true;
  return table;
}

Table& Workspace::resume(Table& paused) {
  Table& table = add_incoming(paused.id());
  table.stored.record = paused.stored.record;
  table.stored.layout = paused.stored.layout;
  table.stored.constants = paused.stored.constants;
  table.segments = paused.segments;
  for (Segment& segment : table.segments) segment.bits = continued_bits(*state_, segment.id);
  // New rows must not go where the visible table would show them.
  table.sealed = true;
  table.index = std::exchange(paused.index, {});
  table.set_schema_keys();
  return table;
}

void Workspace::drop_incoming(TableId id) {
  Table* table = find_incoming(id);
  if (table == nullptr) return;
  retire(own_segments(*table));
  std::erase(touched_, table);
  incoming_.erase(id);
}

// Those that the visible table does not have too.
std::vector<SegmentId> Workspace::own_segments(const Table& table) {
  std::vector<SegmentId> ids = ids_of(table.segments);
  if (Table* visible = find(table.id()); visible != nullptr && table.incoming) {
    std::erase_if(ids, [&](SegmentId id) { return visible->find(id) != nullptr; });
  }
  return ids;
}

Result<Table*> Workspace::replace(TableId id) {
  Table& before = tables_.at(id);
  Table& after = incoming_.at(id);
  TRY(bury_unrecorded(after));
  std::vector<SegmentId> gone = ids_of(before.segments);
  std::erase_if(gone, [&](SegmentId segment) { return after.find(segment) != nullptr; });
  retire(gone);
  retire(before.stored.shown);
  after.stored.view = before.stored.view;
  after.incoming = false;
  std::erase(touched_, &before);
  tables_.erase(id);
  Table& replaced = tables_.insert(incoming_.extract(id)).position->second;
  touch(replaced);
  replaced.view_stale = replaced.definition_stale = true;
  return &replaced;
}

// While it was incoming its dead rows were not recorded: after a crash the visible table's rows
// would have been missing.
Result<> Workspace::bury_unrecorded(const Table& table) {
  constexpr std::size_t flush_rows = 1 << 20;
  const auto version = state_->versions.newest();
  for (const Segment& segment : table.segments) {
    const SegmentBits* recorded = version->root->find(segment.id);
    Result<> flushed;
    std::size_t added = 0;
    segment.bits.for_each_dead([&](std::uint64_t row) {
      if (!flushed.ok() || (recorded != nullptr && recorded->is_dead(row))) return;
      journal_->add_dead(segment.id, row);
      if (++added % flush_rows == 0) flushed = journal_->flush();
    });
    TRY(std::move(flushed));
  }
  return {};
}

Result<> Workspace::begin() {
  if (connection_->in_transaction()) return {};
  return connection_->begin();
}

Result<> Workspace::ensure_index(Table& table) {
  if (!std::holds_alternative<std::monostate>(table.index)) return {};
  table.index = TRY(build_index(*connection_, table));
  return {};
}

Location Workspace::open_end(const Table& table) {
  if (table.segments.empty() || table.sealed || table.segments.back().rows >= segment_rows_max) {
    return Location(state_->next_segment(), 0);
  }
  return Location(table.segments.back().id, table.segments.back().rows);
}

Result<> Workspace::add_segment(Table& table, SegmentId segment) {
  TRY(create_segment(*connection_, segment, table.schema()));
  table.segments.push_back({.id = segment,
                            .layout = segment_layout(table.schema()),
                            .rows = 0,
                            .committed_rows = 0,
                            .bits = {}});
  table.sealed = false;
  touch(table);
  table.view_stale = table.definition_stale = true;
  return {};
}

Result<> Workspace::carry_out(Table& table, const TableChanges& changes, const BatchPlan& plan) {
  touch(table);
  if (plan.truncated()) retire_all(table);
  if (table.find(plan.segment()) == nullptr && (plan.truncated() || !plan.rows().empty())) {
    TRY(add_segment(table, plan.segment()));
  }
  if (const auto rows = plan.rows(); !rows.empty()) {
    engine::Inserter& to = *TRY(inserter(plan.segment(), table.schema()));
    if (consecutive(rows)) {
      TRY(to.insert(changes.rows, rows.front(), std::size_t{rows.back()} + 1));
    } else {
      TRY(to.insert_selected(changes.rows, rows));
    }
    table.find(plan.segment())->rows += rows.size();
  }
  return bury(table, plan.dead());
}

Result<> Workspace::bury(Table& table, std::span<const Location> dead) {
  Segment* segment = nullptr;
  for (const Location at : dead) {
    if (segment == nullptr || segment->id != at.segment()) segment = table.find(at.segment());
    CHECK(segment != nullptr && at.row() < segment->rows);
    CHECK(segment->bits.mark_dead(at.row()));
    if (!table.incoming) journal_->add_dead(at.segment(), at.row());
    segment->changed = true;
    if (segment->filtered) continue;
    segment->filtered = true;
    table.view_stale = true;
  }
  return {};
}

Result<> Workspace::stop(Table& table, const ChangeSet::Stopped& why) {
  if (table.before) TRY(take_back(table));
  table.index = {};
  TableRecord& record = table.stored.record;
  record.state = why.shape_changed ? TableState::Waiting : TableState::Failed;
  record.resync = false;
  if (why.widened) record.widened.push_back(*why.widened);
  record.last_error = why.shape_changed ? "" : why.reason.message;
  if (!why.shape_changed && !why.reason.hint.empty()) {
    record.last_error += " (" + why.reason.hint + ")";
  }
  touch(table);
  table.definition_stale = true;
  return {};
}

Result<> Workspace::take_back(Table& table) {
  std::vector<SegmentId> kept = ids_of(table.before->segments);
  TRY(journal_->forget(kept));
  for (const Segment& now : table.segments) {
    inserters_.erase(now.id);
    if (std::ranges::find(kept, now.id) == kept.end()) {
      TRY(drop_segment(*connection_, now.id));
    } else if (now.rows > now.committed_rows) {
      TRY(connection_->execute(fmt::format("DELETE FROM {} WHERE rowid >= {}",
                                           segment_table(now.id), uncommitted_row_ids)));
    }
  }
  std::erase_if(retired_, [&](SegmentId id) { return std::ranges::find(kept, id) != kept.end(); });
  table.stored = std::move(table.before->stored);
  table.segments = std::move(table.before->segments);
  table.before.reset();
  table.set_schema_keys();
  table.sealed = true;
  table.view_stale = false;
  return {};
}

void Workspace::retire(const std::vector<SegmentId>& segments) {
  for (const SegmentId segment : segments) inserters_.erase(segment);
  retired_.insert(retired_.end(), segments.begin(), segments.end());
}

void Workspace::retire_all(Table& table) {
  retire(own_segments(table));
  table.segments.clear();
  touch(table);
  table.view_stale = table.definition_stale = true;
}

Result<> Workspace::remove(TableId id) {
  Table* table = find(id);
  if (table == nullptr) return {};
  drop_incoming(id);
  if (table->stored.view) TRY(drop_view(*connection_, *table->stored.view));
  retire_all(*table);
  retire(table->stored.shown);
  std::erase(touched_, table);
  tables_.erase(id);
  removed_.push_back(id);
  return {};
}

Result<engine::Inserter*> Workspace::inserter(SegmentId segment, const TableSchema& schema) {
  const auto found = inserters_.find(segment);
  if (found != inserters_.end()) return &found->second;
  if (inserters_.size() >= inserters_max) inserters_.clear();
  auto opened = TRY(engine::Inserter::open(*connection_, "_segments", segment_name(segment),
                                           types_of(schema.columns)));
  return &inserters_.emplace(segment, std::move(opened)).first->second;
}

Result<> Workspace::commit(const Move& move) {
  TRY(write_views());
  TRY(write_definitions());
  if (move.applied) journal_->add_position(*move.applied);
  if (move.stale_at) journal_->add_stale_at(*move.stale_at);
  TRY(journal_->flush());
  const std::vector<LiveRoot::Edit> changed = edits();
  const auto commit = [&]() -> Result<> {
    FAILPOINT("apply.commit.before");
    TRY(connection_->commit());
    // Before anybody sees the version: who waits for it asks next what state tables are in.
    record(move);
    FAILPOINT("apply.publish.before");
    return {};
  };
  TRY(state_->versions.publish(commit, [&](Version& version) {
    if (!changed.empty()) version.root = version.root->with(changed);
    show_position(version, move);
  }));
  FAILPOINT("apply.publish.after");
  committed();
  return {};
}

// Old rows that are shown while tables are copied anew keep their position. Otherwise it never goes
// back, for queries may have been told of an idle position beyond what is applied; only where a
// stream began anew may it do so.
void Workspace::show_position(Version& version, const Move& move) const {
  const Lsn stale_at = move.stale_at.value_or(stale_at_);
  if (stale_at != Lsn{} || (!move.applied && !move.stale_at)) return;
  Applied visible = move.applied.value_or(applied_);
  if (!move.stale_at) visible.lsn = std::max(visible.lsn, version.applied_of(source_).lsn);
  version.set_applied(source_, visible);
}

Result<> Workspace::write_views() {
  std::vector<Table*> stale;
  for (Table* const table : touched_) {
    if (!std::exchange(table->view_stale, false)) continue;
    if (table->stored.record.state != TableState::Live) continue;
    stale.push_back(table);
    // First all old names go: tables can exchange theirs.
    auto& view = table->stored.view;
    if (!view || *view == table->view_name()) continue;
    TRY(drop_view(*connection_, *view));
    view.reset();
  }
  for (Table* const table : stale) {
    if (table->segments.empty()) TRY(add_segment(*table, state_->next_segment()));
    table->view_stale = false;
    TRY(create_view(*connection_, table->schema(), table->segments, table->stored.constants));
    if (table->stored.view) continue;
    table->stored.view = table->view_name();
    table->definition_stale = true;
  }
  return {};
}

Result<> Workspace::write_definitions() {
  std::vector<const StoredTable*> stale;
  for (Table* const table : touched_) {
    if (!table->definition_stale || table->incoming) continue;
    table->stored.segments = ids_of(table->segments);
    stale.push_back(&table->stored);
  }
  TRY(save_tables(*connection_, stale));
  return erase_tables(*connection_, source_, removed_);
}

std::vector<LiveRoot::Edit> Workspace::edits() {
  std::vector<LiveRoot::Edit> edits;
  for (Table* const table : touched_) {
    if (table->incoming) continue;  // its segments stay changed
    for (Segment& segment : table->segments) {
      if (!segment.changed) continue;
      segment.changed = false;
      edits.push_back({segment.id, segment.bits.share()});
    }
  }
  for (const SegmentId segment : retired_) edits.push_back({segment, nullptr});
  return edits;
}

void Workspace::record_incoming(Recorded& recorded) const {
  std::erase_if(recorded.incoming, [&](const TableKey& key) { return key.source == source_; });
  for (const auto& [id, table] : incoming_) recorded.incoming.insert({source_, id});
}

void Workspace::record(const Move& move) {
  if (move.applied) applied_ = *move.applied;
  if (move.stale_at) stale_at_ = *move.stale_at;
  state_->recorded.with([&](Recorded& recorded) {
    recorded.sources.at(source_).applied = applied_;
    recorded.sources.at(source_).stale_at = stale_at_;
    for (Table* const table : touched_) {
      if (table->incoming) continue;
      const TableKey key{source_, table->id()};
      if (table->definition_stale) recorded.tables[key] = table->stored;
      recorded.numbers[key] = numbers_of(key, table->segments, memory_bytes(table->index));
    }
    record_incoming(recorded);
    for (const TableId id : removed_) {
      recorded.tables.erase({source_, id});
      recorded.numbers.erase({source_, id});
    }
  });
}

void Workspace::committed() {
  if (!retired_.empty()) {
    const std::uint64_t version = state_->versions.newest()->number;
    state_->retired.with([&](std::vector<Retired>& all) {
      all.push_back({.version = version, .segments = std::move(retired_)});
    });
    retired_.clear();
  }
  removed_.clear();
  for (Table* const table : touched_) {
    for (Segment& segment : table->segments) segment.committed_rows = segment.rows;
    table->touched = table->definition_stale = false;
    table->before.reset();
  }
  touched_.clear();
}

}  // namespace freshet::collection
