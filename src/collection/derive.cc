#include "collection/derive.h"

#include <fmt/core.h>

#include <algorithm>
#include <limits>

#include "collection/rejects.h"
#include "observe/log.h"

namespace freshet::collection {

namespace {

using transform::Transformation;

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

}  // namespace

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
  if (made.rollup && !made.rollup->has_time()) {
    return Error{.sqlstate = "42P16",
                 .message = "retention counts from _event_time, which the groups do not have",
                 .hint = "Group by a time, as date_trunc('hour', at) AS _event_time."};
  }
  if (made.identity() == Identity::None) {
    return Error{.sqlstate = "0A000",
                 .message = "rows of a table without a key cannot be removed one by one",
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

Result<> Derive::put(const ViewName& name, TableId mirror_id,
                     const transform::Definition& definition, Made made) {
  Table& table = named(name);
  workspace_.touch(table);
  const TableSchema& mirror = workspace_.find(mirror_id)->schema();
  Derived& derived = all_[table.id()];
  derived.made = std::move(made);
  table.stored.record.schema = schema_of(table.id(), name, derived.made);
  table.stored.derivation = Derivation{mirror_id, mirror.schema, mirror.name, definition};
  return begin_again(table, derived);
}

// The derived collection of that name; a new one has nothing but its id.
Table& Derive::named(const ViewName& name) {
  for (auto& [id, table] : workspace_.tables()) {
    if (table.stored.derived() && table.view_name() == name) return table;
  }
  std::uint32_t id = first_id;
  while (workspace_.find(TableId{id}) != nullptr) --id;
  Table& table = workspace_.tables()[TableId{id}];
  table.stored.record.source = workspace_.source();
  table.stored.record.schema = std::make_shared<const TableSchema>(
      TableSchema{.id = TableId{id}, .schema = name.schema, .name = name.name, .columns = {}});
  return table;
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

void Derive::forget(TableId id) {
  all_.erase(id);
  note_readers(workspace_.find(id)->stored.derivation->table);
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

}  // namespace freshet::collection
