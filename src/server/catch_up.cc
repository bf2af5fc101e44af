#include "server/catch_up.h"

#include <algorithm>
#include <utility>

#include "base/failpoint.h"
#include "decode/decoder.h"
#include "observe/log.h"
#include "server/mirrored_tables.h"
#include "server/new_labels.h"

namespace freshet::server {

namespace {

// Of the stream, between two commits: what is read at once is held in memory.
constexpr std::uint64_t batch_bytes_max = 16 << 20;

}  // namespace

// Tables that have reached the same offset: the stream is read once for all of them.
struct CatchUp::Group {
  Offset at;
  Records records;
  ChangeSet changes{};
  std::vector<ChangeSet::Stopped> stopped{};  // by the piece that is being replayed
  decode::Decoder decoder{};
  std::unique_ptr<stream::Reader> reader{};  // stands at `at`

  void add(collection::TableRecord record) {
    auto table = std::make_unique<TableChanges>(record.schema);
    table->skip_before = record.snapshot_lsn;
    changes.tables[record.schema->id] = std::move(table);
    records.push_back(std::move(record));
  }
  // As it was when it joined, but for what replay has moved.
  bool has(const collection::TableRecord& record) const {
    return record.replay_from == at && std::ranges::any_of(records, [&](const auto& each) {
             return each.schema == record.schema && each.snapshot_lsn == record.snapshot_lsn;
           });
  }
};

CatchUp::CatchUp(const stream::Stream& stream, AlteredTables& altered_tables, Board& board)
    : stream_(stream), altered_tables_(altered_tables), board_(board) {}
CatchUp::~CatchUp() = default;

std::optional<Offset> CatchUp::needed_from(const collection::Writer& writer) const {
  std::optional<Offset> from;
  for (const collection::TableRecord& record : writer.behind()) {
    from = std::min(from.value_or(record.replay_from), record.replay_from);
  }
  return from;
}

Result<CatchUp::Outcome> CatchUp::step(collection::Writer& writer, Offset applied, Lsn seen,
                                       GoLive how, std::chrono::milliseconds limit,
                                       std::stop_token stop) {
  Outcome outcome;
  some_stopped_ = false;
  regroup(writer.behind(), applied, seen);
  std::size_t there = 0;
  for (auto& group : groups_) {
    const bool done =
        TRY(replay(writer, *group, applied, how, limit / static_cast<int>(groups_.size()), stop)
                .context("catch up"));
    if (done) there += group->records.size();
    if (done && how == GoLive::EachAlone) group->records.clear();
    outcome.some_live = outcome.some_live || (done && how == GoLive::EachAlone);
    outcome.more = outcome.more || !done;
  }
  outcome.some_live = outcome.some_live || some_stopped_;
  outcome.all_there =
      how == GoLive::EachAlone ? writer.behind().empty() : there == writer.behind().size();
  return outcome;
}

// Keeps the groups whose tables are all still behind; everything else is grouped anew, because a
// decoder knows what it has read.
void CatchUp::regroup(const Records& behind, Offset applied, Lsn seen) {
  Records ready;
  for (const collection::TableRecord& record : behind) {
    // A copy can be ahead of what is applied: it would show commits that others do not show yet.
    if (record.snapshot_lsn <= seen && record.replay_from <= applied) ready.push_back(record);
  }
  const auto still_behind = [&](const Group& group) {
    return !group.records.empty() && std::ranges::all_of(group.records, [&](const auto& record) {
      return std::ranges::any_of(ready, [&](const collection::TableRecord& each) {
        return each.schema == record.schema && group.has(each);
      });
    });
  };
  std::erase_if(groups_, [&](const auto& group) { return !still_behind(*group); });
  std::vector<std::unique_ptr<Group>> made;
  for (collection::TableRecord& record : ready) {
    if (std::ranges::any_of(groups_, [&](const auto& group) { return group->has(record); }))
      continue;
    auto group = std::ranges::find(made, record.replay_from, [](const auto& g) { return g->at; });
    if (group == made.end()) {
      made.push_back(std::make_unique<Group>());
      group = std::prev(made.end());
      (*group)->at = record.replay_from;
    }
    (*group)->add(std::move(record));
  }
  std::ranges::move(made, std::back_inserter(groups_));
}

// True when the group has reached the live tables, and has gone live where each does so alone.
// Asked to stop, it keeps the progress it has made.
Result<bool> CatchUp::replay(collection::Writer& writer, Group& group, Offset until, GoLive how,
                             std::chrono::milliseconds limit, std::stop_token stop) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  if (!group.reader) group.reader = TRY(stream_.read_from(group.at));
  ChangeSet& changes = group.changes;
  changes.clear();
  changes.applied.offset = group.at;
  bool enough = false;
  while (group.at < until && !enough) {
    auto record = TRY(group.reader->next(stop, std::chrono::milliseconds(1000)));
    if (!record) break;
    while (const auto altered = TRY(group.decoder.decode(record->part, changes))) {
      TRY(follow_altered(writer, group, *altered, stop));
    }
    changes.keep.push_back(record->memory);
    changes.applied.offset = group.at = record->end;
    enough =
        changes.payload_bytes >= batch_bytes_max || std::chrono::steady_clock::now() >= deadline;
  }
  const bool there = group.at >= until;
  TRY(learn_labels(writer, group, stop));
  std::vector<TableId> ready;
  if (there && how == GoLive::EachAlone) {
    for (const auto& record : group.records) ready.push_back(record.schema->id);
    FAILPOINT("catch_up.go_live.before");
  }
  // May end inside a transaction: nobody sees these tables before the end.
  const auto stopped = TRY(writer.replay(changes, false, ready));
  if (!ready.empty()) {
    FAILPOINT("catch_up.go_live.after");
  } else if (!there) {
    FAILPOINT("catch_up.piece.after");
  }
  drop(group, stopped);
  settle_stopped(group);
  if (!there) show(group, until);
  if (!there || how == GoLive::Together) return there;
  for (const collection::TableRecord& record : group.records) {
    observe::info("table live", {{"table", record.schema->qualified_name()}});
    board_.with([&](SourceFacts& facts) { facts.copies.erase(record.schema->id); });
  }
  return true;
}

Result<> CatchUp::follow_altered(collection::Writer& writer, Group& group,
                                 const decode::Altered& altered, const std::stop_token& stop) {
  TRY(learn_labels(writer, group, stop));
  drop(group, TRY(writer.replay(group.changes, true, {})));
  group.changes.clear();
  const TableId id = altered.schema->id;
  const auto entry = group.changes.tables.find(id);
  if (entry == group.changes.tables.end()) return {};  // it stopped at a value before
  const auto record =
      std::ranges::find(group.records, id, [](const auto& each) { return each.schema->id; });
  const auto stopped =
      TRY(altered_tables_.follow(altered, *record, writer, AlteredTables::Rows::Behind, stop));
  drop(group, stopped);
  if (stopped.empty()) go_on_as(record->schema, entry->second);
  return {};
}

// What has a label that is not known yet is replayed, but does not go live before the label has its
// place.
Result<> CatchUp::learn_labels(collection::Writer& writer, Group& group,
                               const std::stop_token& stop) {
  const std::vector<TableId> tables = tables_with_new_labels(group.changes);
  if (tables.empty()) return {};
  const Applied applied = group.changes.applied;
  drop(group, TRY(writer.replay(group.changes, true, {})));
  group.changes.clear();
  group.changes.applied = applied;
  for (const TableId id : tables) {
    const auto entry = group.changes.tables.find(id);
    if (entry == group.changes.tables.end()) continue;  // it stopped
    const auto record =
        std::ranges::find(group.records, id, [](const auto& each) { return each.schema->id; });
    const auto stopped =
        TRY(altered_tables_.learn_labels(*record, writer, AlteredTables::Rows::Behind, stop));
    drop(group, stopped);
    if (stopped.empty()) go_on_as(record->schema, entry->second);
  }
  return {};
}

// Tables that cannot be followed leave the group: failed, or to be copied again.
void CatchUp::drop(Group& group, const std::vector<ChangeSet::Stopped>& stopped) {
  for (const ChangeSet::Stopped& table : stopped) {
    group.changes.tables.erase(table.table);
    std::erase_if(group.records,
                  [&](const auto& record) { return record.schema->id == table.table; });
    group.stopped.push_back(table);
  }
}

// After the commit.
void CatchUp::settle_stopped(Group& group) {
  for (const ChangeSet::Stopped& table : std::exchange(group.stopped, {})) {
    some_stopped_ = true;
    board_.with([&](SourceFacts& facts) { facts.copies.erase(table.table); });
    tell_stopped(table);
  }
}

void CatchUp::show(const Group& group, Offset until) {
  board_.with([&](SourceFacts& facts) {
    for (const collection::TableRecord& record : group.records) {
      CopyFacts& copy = facts.copies[record.schema->id];
      copy.schema = record.schema->schema;
      copy.name = record.schema->name;
      copy.catches_up(until.value - group.at.value);
    }
  });
}

}  // namespace freshet::server
