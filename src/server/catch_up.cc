#include "server/catch_up.h"

#include <algorithm>
#include <map>

#include "base/failpoint.h"
#include "decode/pgoutput.h"
#include "observe/log.h"

namespace freshet::server {

namespace {

constexpr std::uint64_t batch_bytes_max = 16 << 20;

ChangeSet changes_for(const std::vector<collection::TableRecord>& group) {
  ChangeSet changes;
  for (const collection::TableRecord& record : group) {
    auto table = std::make_unique<TableChanges>(record.schema);
    table->skip_before = record.snapshot_lsn;
    changes.tables.emplace(record.schema->id, std::move(table));
  }
  return changes;
}

}  // namespace

CatchUp::CatchUp(collection::Store& store, collection::Writer& writer, SourceId source,
                 const stream::Stream& stream, Board& board)
    : store_(store), writer_(writer), source_(source), stream_(stream), board_(board) {}

Result<bool> CatchUp::run(Offset applied, Lsn seen, std::stop_token stop) const {
  std::map<Offset, Group> groups;
  for (collection::TableRecord& record : store_.tables()) {
    if (record.source != source_ || record.state != collection::TableState::CatchingUp) continue;
    // A copy can be ahead of what is applied: it would show commits that others do not show yet.
    if (record.snapshot_lsn > seen || record.replay_from > applied) continue;
    groups[record.replay_from].push_back(std::move(record));
  }
  bool some = false;
  for (const auto& [from, group] : groups) {
    const bool done = TRY(replay(group, applied, stop).context("catch up"));
    some = some || done;
  }
  return some;
}

// False when asked to stop before the end; the progress made is kept.
Result<bool> CatchUp::replay(const Group& group, Offset until, std::stop_token stop) const {
  ChangeSet changes = changes_for(group);
  decode::PgoutputDecoder decoder;
  Offset at = group.front().replay_from;
  auto reader = TRY(stream_.read_from(at));
  while (at < until) {
    auto record = TRY(reader->next(stop, std::chrono::milliseconds(1000)));
    if (!record) return false;
    TRY(decoder.decode(record->part, changes));
    changes.keep.push_back(record->memory);
    changes.applied.offset = record->end;
    at = record->end;
    if (changes.payload_bytes < batch_bytes_max || at >= until) continue;
    // May end inside a transaction: nobody sees these tables before the end.
    TRY(drop_stopped(changes, group));
    TRY(writer_.replay(changes, false, {}));
    FAILPOINT("catch_up.piece.after");
    changes.clear();
  }
  changes.applied.offset = until;
  TRY(drop_stopped(changes, group));
  std::vector<TableId> ready;
  for (const collection::TableRecord& record : group) {
    if (changes.tables.contains(record.schema->id)) ready.push_back(record.schema->id);
  }
  FAILPOINT("catch_up.go_live.before");
  TRY(writer_.replay(changes, false, ready));
  FAILPOINT("catch_up.go_live.after");
  for (const collection::TableRecord& record : group) {
    observe::info("table live", {{"table", record.schema->qualified_name()}});
    board_.with([&](SourceFacts& facts) { facts.copies.erase(record.schema->id); });
  }
  return true;
}

// A table that cannot be followed leaves the group: failed, or to be copied again.
Result<> CatchUp::drop_stopped(ChangeSet& changes, const Group& group) const {
  for (const ChangeSet::Stopped& stopped : changes.stopped) {
    changes.tables.erase(stopped.table);
    for (collection::TableRecord record : group) {
      if (record.schema->id != stopped.table) continue;
      record.state =
          stopped.shape_changed ? collection::TableState::Waiting : collection::TableState::Failed;
      if (!stopped.shape_changed) record.last_error = stopped.reason.message;
      TRY(writer_.put_tables(std::span(&record, 1)));
      board_.with([&](SourceFacts& facts) { facts.copies.erase(record.schema->id); });
    }
  }
  changes.stopped.clear();
  return {};
}

}  // namespace freshet::server
