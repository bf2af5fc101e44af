#include "collection/derive.h"

#include <fmt/core.h>

#include <algorithm>
#include <limits>

#include "collection/rejects.h"
#include "engine/read_columns.h"
#include "observe/log.h"
#include "observe/metrics.h"

namespace freshet::collection {

namespace {

using transform::Transformation;

constexpr std::uint64_t rows_at_once = 65'536;
// How long one call of fill() keeps the changes of other tables waiting.
constexpr std::chrono::milliseconds fill_time{100};

// Ids of derived collections, which no table of PostgreSQL has in practice: it would have to give
// out four thousand million of them first.
constexpr std::uint32_t first_id = std::numeric_limits<std::uint32_t>::max();

std::shared_ptr<const TableSchema> schema_of(TableId id, const ViewName& name,
                                             const Derive::Made& made) {
  auto schema = std::make_shared<TableSchema>();
  schema->id = id;
  schema->schema = name.schema;
  schema->name = name.name;
  schema->identity = made.identity();
  schema->columns = made.columns();
  return schema;
}

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

// ---------------------------------------------------------------------------------- definitions

Result<> Derive::load() {
  for (auto& [id, table] : workspace_.tables()) {
    if (!table.stored.derived()) continue;
    Derived& derived = all_[id];
    derived.rejected = TRY(last_rejected(workspace_.connection(), workspace_.source(), id));
    if (table.stored.record.state == TableState::Failed) continue;
    const Table* mirror = workspace_.find(table.stored.derivation->table);
    if (mirror == nullptr) continue;
    TRY(workspace_.begin());
    if (Result<> opened = reopen(table, derived, *mirror); !opened.ok()) {
      TRY(stop(table, std::move(opened).error()));
    } else if (table.stored.record.state == TableState::CatchingUp) {
      TRY(begin_again(table, derived));
    }
    TRY(workspace_.commit({}));
  }
  return {};
}

Result<Derive::Made> Derive::open(const transform::Definition& definition,
                                  const Table& mirror) const {
  Made made;
  engine::Database& database = *workspace_.state().database;
  made.rollup = TRY(transform::Rollup::open(database, definition, mirror.stored.record.schema));
  if (made.rollup) return made;
  made.rows = TRY(Transformation::open(database, definition, mirror.stored.record.schema));
  return made;
}

Result<Derive::Made> Derive::prepare(TableId table, const transform::Definition& definition) const {
  const Table* mirror = workspace_.find(table);
  if (mirror == nullptr || mirror->stored.derived()) {
    return Error{.sqlstate = "42P01", .message = "the table is not followed"};
  }
  Made made = TRY(open(definition, *mirror));
  if (!definition.retention) return made;
  if (made.rollup || made.identity() == Identity::None) {
    return Error{.sqlstate = "0A000",
                 .message = made.rollup
                                ? "a rollup keeps its groups as long as they have rows"
                                : "rows of a table without a key cannot be removed one by one",
                 .hint = "Leave retention out."};
  }
  if (std::ranges::find(made.columns(), "_event_time", &ColumnSchema::name) ==
      made.columns().end()) {
    return Error{
        .sqlstate = "42P16",
        .message = "retention counts from _event_time, which the transformation does not make",
        .hint = "Add … AS _event_time to its select list."};
  }
  return made;
}

Result<> Derive::put(const ViewName& name, TableId table_id,
                     const transform::Definition& definition, Made made) {
  Table* table = nullptr;
  std::uint32_t id = first_id;
  for (auto& [known, each] : workspace_.tables()) {
    if (each.stored.derived() && each.view_name() == name) table = &each;
  }
  while (table == nullptr && workspace_.find(TableId{id}) != nullptr) --id;
  if (table == nullptr) {
    table = &workspace_.tables()[TableId{id}];
    table->stored.record.source = workspace_.source();
  }
  workspace_.touch(*table);
  const Table& mirror = *workspace_.find(table_id);
  const TableId its = table->stored.record.schema ? table->id() : TableId{id};
  Derived& derived = all_[its];
  derived.made = std::move(made);
  table->stored.record.schema = schema_of(its, name, derived.made);
  table->stored.derivation =
      Derivation{table_id, mirror.schema().schema, mirror.schema().name, definition};
  return begin_again(*table, derived);
}

Result<> Derive::refill(TableId id) {
  Table& table = *workspace_.find(id);
  const Table* mirror = workspace_.find(table.stored.derivation->table);
  if (mirror == nullptr) {
    return Error{
        .sqlstate = "55000",
        .message = fmt::format("table {}.{} is not followed any more",
                               table.stored.derivation->schema, table.stored.derivation->name)};
  }
  workspace_.touch(table);
  TRY(reopen(table, all_[id], *mirror));
  return begin_again(table, all_[id]);
}

// Plans the transformation for the mirror's columns. Other columns than before mean other rows.
Result<> Derive::reopen(Table& table, Derived& derived, const Table& mirror) {
  Made made = TRY(open(table.stored.derivation->definition, mirror));
  const auto schema = schema_of(table.id(), table.view_name(), made);
  derived.made = std::move(made);
  if (*schema == table.schema()) return {};
  workspace_.touch(table);
  table.stored.record.schema = schema;
  return begin_again(table, derived);
}

// From here on the collection is empty and waits to be filled; queries see what they saw.
Result<> Derive::begin_again(Table& table, Derived& derived) {
  workspace_.touch(table);
  derived.begun = false;
  derived.left.clear();
  derived.next_row = 0;
  TableRecord& record = table.stored.record;
  record.state = TableState::CatchingUp;
  record.last_error.clear();
  if (table.stored.view && table.stored.shown.empty()) {
    for (const Segment& segment : table.segments) table.stored.shown.push_back(segment.id);
    table.segments.clear();
  }
  workspace_.retire_all(table);
  table.sealed = false;
  table.stored.layout = layout_of(*record.schema);
  table.stored.constants.clear();
  table.set_schema_keys();
  table.index = empty_index(*record.schema);
  table.view_stale = false;
  table.definition_stale = true;
  note_readers(table.stored.derivation->table);
  return forget_rejected(workspace_.connection(), workspace_.source(), table.id());
}

std::vector<std::pair<Table*, Derive::Derived*>> Derive::made_of(TableId mirror) {
  std::vector<std::pair<Table*, Derived*>> all;
  for (auto& [id, derived] : all_) {
    Table* table = workspace_.find(id);
    if (table != nullptr && table->stored.derivation->table == mirror) {
      all.emplace_back(table, &derived);
    }
  }
  return all;
}

// -------------------------------------------------------------------------------------- mirrors

Result<> Derive::take_back(TableId mirror) {
  for (const auto& [table, derived] : made_of(mirror)) {
    if (table->before) TRY(workspace_.take_back(*table));
    table->index = {};
  }
  return {};
}

Result<> Derive::mirror_replaced(const Table& mirror) {
  if (mirror.stored.derived()) return {};
  for (auto& [id, derived] : all_) {
    Table* table = workspace_.find(id);
    if (table == nullptr) continue;
    Derivation& derivation = *table->stored.derivation;
    const bool took_its_place = workspace_.find(derivation.table) == nullptr &&
                                derivation.schema == mirror.schema().schema &&
                                derivation.name == mirror.schema().name;
    if (derivation.table != mirror.id() && !took_its_place) continue;
    derivation.table = mirror.id();
    const bool was_whole = table->stored.record.state != TableState::Failed || took_its_place;
    if (!was_whole) continue;
    workspace_.touch(*table);
    table->definition_stale = true;
    Result<> opened = reopen(*table, derived, mirror);
    if (opened.ok()) opened = begin_again(*table, derived);
    if (!opened.ok()) TRY(stop(*table, std::move(opened).error()));
  }
  return {};
}

Result<> Derive::mirror_altered(const Table& mirror) {
  for (const auto& [table, derived] : made_of(mirror.id())) {
    if (!table->takes_changes()) continue;
    workspace_.touch(*table);
    if (!table->before) table->before = Table::Before{table->stored, table->segments};
    table->stored.derivation->schema = mirror.schema().schema;
    table->stored.derivation->name = mirror.schema().name;
    table->definition_stale = true;
    // The filling reads by the shape it began with.
    Result<> opened = reopen(*table, *derived, mirror);
    if (opened.ok() && derived->begun) opened = begin_again(*table, *derived);
    if (opened.ok()) continue;
    TRY(stop(*table, std::move(opened).error()));
  }
  return {};
}

Result<> Derive::mirror_removed(TableId mirror) {
  for (const auto& [table, derived] : made_of(mirror)) {
    derived->made = {};
    TRY(stop(*table, {.sqlstate = "42P01",
                      .message = fmt::format("table {}.{} is not followed any more",
                                             table->stored.derivation->schema,
                                             table->stored.derivation->name),
                      .hint = "When a table of that name comes back, it goes on."}));
  }
  return {};
}

Result<> Derive::stop(Table& table, Error reason) {
  observe::warn("collection failed", {{"collection", table.schema().qualified_name()},
                                      {"sqlstate", reason.sqlstate},
                                      {"reason", reason.message}});
  TRY(workspace_.stop(table, {table.id(), false, std::move(reason)}));
  const auto found = all_.find(table.id());
  if (found != all_.end()) found->second.begun = false;
  note_readers(table.stored.derivation->table);
  return {};
}

// Tells whoever tidies the mirror up whether its segments must stay as they are.
void Derive::note_readers(TableId mirror_id) {
  Table* mirror = workspace_.find(mirror_id);
  if (mirror == nullptr) return;
  const auto all = made_of(mirror_id);
  mirror->being_read = std::ranges::any_of(all, [](const auto& each) {
    return each.second->begun && each.first->stored.record.state == TableState::CatchingUp;
  });
}

// -------------------------------------------------------------------------------------- changes

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

// -------------------------------------------------------------------------------------- filling

Result<bool> Derive::fill() {
  const auto until = std::chrono::steady_clock::now() + fill_time;
  for (auto& [id, derived] : all_) {
    Table* table = workspace_.find(id);
    if (table == nullptr || table->stored.record.state != TableState::CatchingUp) continue;
    Table* mirror = workspace_.find(table->stored.derivation->table);
    if (mirror == nullptr || mirror->stored.record.state != TableState::Live) continue;
    while (table->stored.record.state == TableState::CatchingUp) {
      if (std::chrono::steady_clock::now() > until) return true;
      TRY(workspace_.begin());
      Result<> filled = fill_piece(*table, derived, *mirror);
      if (!filled.ok()) {
        if (filled.error().fault != Fault::Permanent) return filled.error();
        TRY(stop(*table, std::move(filled).error()));
      }
      TRY(workspace_.commit({}));
    }
  }
  return false;
}

Result<> Derive::fill_piece(Table& table, Derived& derived, Table& mirror) {
  workspace_.touch(table);
  table.before = Table::Before{table.stored, table.segments};
  if (!derived.begun) {
    derived.begun = true;
    for (const Segment& segment : mirror.segments) {
      derived.left.push_back({segment.id, segment.rows});
    }
    std::ranges::reverse(derived.left);
    note_readers(mirror.id());
  }
  Arena keep;
  // Where rows are known by their values alone, a change in between could meet the wrong one of two
  // equal rows: these are filled at once.
  const bool whole = derived.made.identity() == Identity::Full;
  do {
    TableChanges rows(mirror.stored.record.schema);
    rows.origins.push_back({0, workspace_.applied().lsn, workspace_.applied().commit_time});
    TRY(read_piece(derived, mirror, rows, keep));
    TRY(follow_one(table, derived, {mirror, rows}, keep));
    keep.reset();
  } while (whole && !derived.left.empty());
  if (!derived.left.empty()) return {};
  // Nobody sees rows that are too old already.
  if (table.stored.derivation->definition.retention) {
    while (TRY(expire_some(table))) {
    }
  }
  table.stored.record.state = TableState::Live;
  workspace_.retire(table.stored.shown);
  table.stored.shown.clear();
  table.view_stale = table.definition_stale = true;
  derived.begun = false;
  note_readers(mirror.id());
  observe::info("collection filled", {{"collection", table.schema().qualified_name()}});
  return {};
}

// The next rows of the mirror, of those that were there when the filling began and are there now.
Result<> Derive::read_piece(Derived& derived, Table& mirror, TableChanges& rows, Arena& keep) {
  std::uint64_t read = 0;
  while (!derived.left.empty() && read < rows_at_once) {
    const Part part = derived.left.back();
    const Segment* segment = mirror.find(part.segment);
    const std::uint64_t end = std::min(part.rows, derived.next_row + rows_at_once - read);
    const std::uint64_t first = std::exchange(derived.next_row, end);
    if (segment == nullptr || end == part.rows) {
      derived.left.pop_back();
      derived.next_row = 0;
    }
    if (segment == nullptr || first == end) continue;
    read += end - first;
    std::string select = "SELECT rowid";
    for (const ColumnSchema& column : mirror.schema().columns) {
      select += ", " + column_in(*segment->layout, column, mirror.stored.constants);
    }
    const auto statement = TRY(workspace_.connection().prepare(
        fmt::format("{} FROM {} WHERE rowid BETWEEN {} AND {}", select, segment_table(segment->id),
                    first, end - 1)));
    const auto stream = TRY(statement->execute());
    while (const auto chunk = TRY(stream->next())) {
      const auto* ids = static_cast<const std::int64_t*>(chunk->column(0).data());
      for (std::size_t i = 0; i < chunk->size(); ++i) {
        if (segment->bits.is_dead(static_cast<std::uint64_t>(ids[i]))) continue;
        rows.changes.push_back({Op::Insert, static_cast<std::uint32_t>(rows.row_count())});
        for (std::size_t c = 0; c < rows.rows.size(); ++c) {
          engine::append_row(rows.rows[c], chunk->column(c + 1), i, keep);
        }
      }
    }
  }
  return {};
}

}  // namespace freshet::collection
