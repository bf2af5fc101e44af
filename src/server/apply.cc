#include "server/apply.h"

#include <algorithm>
#include <utility>

#include "base/failpoint.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "server/alter_collection.h"
#include "server/mirrored_tables.h"
#include "server/new_labels.h"
#include "server/take_news.h"

namespace freshet::server {

namespace {

using namespace std::chrono_literals;

// One apply takes what is waiting, up to this much: large enough that the cost of a commit
// disappears, small enough for memory. A transaction beyond it is applied in pieces inside one
// engine transaction.
constexpr std::uint64_t batch_bytes_max = 16 << 20;
// How long the stream is waited for before orders and idle positions are looked at.
constexpr auto quiet = 10ms;
constexpr std::chrono::milliseconds catch_up_least = 20ms;
constexpr std::chrono::milliseconds catch_up_most = 500ms;
constexpr auto tidy_interval = 250ms;
constexpr auto retire_interval = 2s;

}  // namespace

Apply::Apply(collection::Store& store, std::unique_ptr<collection::Writer> writer, SourceId source,
             AlteredTables altered_tables, ConfiguredCollections configured, stream::Stream& stream,
             stream::Retention retention, Handover& handover, Requests& requests, Board& board)
    : store_(store),
      writer_(std::move(writer)),
      source_(source),
      stream_(stream),
      retention_(retention),
      handover_(handover),
      requests_(requests),
      board_(board),
      altered_tables_(std::move(altered_tables)),
      configured_(std::move(configured)),
      catch_up_(stream, altered_tables_, board) {}

Result<> Apply::run(std::stop_token stop) {
  applied_ = store_.applied(source_);
  seen_ = applied_.lsn;
  read_ = applied_.offset;
  reader_ = TRY(stream_.read_from(read_).context("read stream"));
  TRY(refresh_routes());
  while (!stop.stop_requested()) {
    TRY(take_orders());
    TRY(take_requests());
    // A table that is asked for may have come to be known.
    if (std::exchange(tables_changed_, false)) {
      TRY(configured_.make(store_, source_, *writer_));
    }
    TRY(take_catalog_news());
    TRY(catch_up(stop));
    if (nothing_to_follow()) {
      handover_.orders.wait_for(stop, 100ms,
                                [](const Orders& orders) { return !orders.waiting.empty(); });
      continue;
    }
    const bool busy = TRY(apply_waiting(stop));
    if (!busy) follow_idle();
    TRY(look_after(busy));
  }
  return {};
}

// Nothing is live yet and something is being copied: moving on would only mean reading the stream
// again.
bool Apply::nothing_to_follow() const {
  const bool none_is_ready = stale_ ? waiting_ : !catching_up_;
  return changes_.tables.empty() && none_is_ready && handover_.copying_from.get().has_value();
}

Result<> Apply::take_orders() {
  std::vector<Order> orders;
  handover_.orders.with([&](Orders& all) { orders.swap(all.waiting); });
  if (orders.empty()) return {};
  for (Order& order : orders) {
    if (auto* finished = std::get_if<FinishedCopy>(&order)) {
      TRY(attach(std::move(*finished)));
    } else if (const auto* removed = std::get_if<TablesRemoved>(&order)) {
      TRY(writer_->remove_tables(removed->tables));
    } else {
      const auto& record = std::get<collection::TableRecord>(order);
      TRY(writer_->put_tables(std::span(&record, 1)));
    }
  }
  TRY(refresh_routes());
  const std::size_t count = orders.size();
  orders.clear();
  handover_.orders.update([&](Orders& all) { all.taken += count; });
  return {};
}

Result<> Apply::attach(FinishedCopy finished) {
  // What was asked for may have changed while it was copied.
  const TableId id = finished.copy->schema().id;
  const auto records = store_.tables();
  const bool wanted = std::ranges::any_of(records, [&](const collection::TableRecord& record) {
    return record.source == source_ && record.schema->id == id &&
           (record.state == collection::TableState::Waiting || record.resync);
  });
  if (!wanted) {
    board_.with([&](SourceFacts& facts) { facts.copies.erase(id); });
    return {};
  }
  observe::info("table copied", {{"table", finished.copy->schema().qualified_name()},
                                 {"rows", finished.copy->rows()},
                                 {"lsn", to_string(finished.snapshot_lsn)}});
  std::vector<std::unique_ptr<collection::Copy>> copies;
  copies.push_back(std::move(finished.copy));
  FAILPOINT("apply.attach.before");
  TRY(writer_->attach(std::move(copies), collection::TableState::CatchingUp, finished.snapshot_lsn,
                      finished.replay_from));
  FAILPOINT("apply.attach.after");
  return {};
}

// Between two batches, so that what it does holds at a whole transaction.
Result<> Apply::take_requests() {
  while (const auto asked = requests_.take_for_collection()) {
    auto altered = run_command(asked->command, store_, source_, *writer_, applied_.offset);
    if (!altered.ok()) {
      // What the client asked for can be wrong; that the writer has failed is not its fault.
      const bool refused = altered.error().fault == Fault::Permanent;
      asked->answer(altered.error());
      if (!refused) return altered.error();
      continue;
    }
    TRY(refresh_routes());
    if (altered->copy_wanted) {
      handover_.copies_wanted.update([](std::uint64_t& count) { ++count; });
    }
    asked->answer(std::move(altered->notes));
  }
  return {};
}

// The catalog was read at some position: before that is applied, it speaks of the future.
Result<> Apply::take_catalog_news() {
  const std::shared_ptr<const CatalogNews> news = handover_.news.get();
  if (!news || news->at > seen_ || stale_) return {};
  const bool copy_wanted =
      TRY(take_news(*news, store_, source_, *writer_, applied_).context("take news"));
  TRY(refresh_routes());
  if (copy_wanted) handover_.copies_wanted.update([](std::uint64_t& count) { ++count; });
  handover_.news.update([](auto& taken) { taken.reset(); });
  return {};
}

// Takes turns with the live tables: as long as their last batch took, so that both get on.
//
// Copied tables join one by one. After a new beginning of the source they go live all at once,
// because the rows that queries see until then are of another position than the new ones.
Result<> Apply::catch_up(std::stop_token stop) {
  more_to_catch_up_ = false;
  if (stale_ ? waiting_ : !catching_up_) return {};
  const auto how = stale_ ? CatchUp::GoLive::Together : CatchUp::GoLive::EachAlone;
  const auto limit = std::clamp(batch_took_, catch_up_least, catch_up_most);
  const auto outcome = TRY(catch_up_.step(*writer_, applied_.offset, seen_, how, limit, stop));
  more_to_catch_up_ = outcome.more;
  if (outcome.some_live) TRY(refresh_routes());
  if (stale_ && !waiting_ && outcome.all_there) TRY(show_new_copies());
  return {};
}

Result<> Apply::show_new_copies() {
  const std::vector<collection::TableRecord> tables = writer_->behind();
  std::vector<TableId> ids;
  for (const collection::TableRecord& record : tables) ids.push_back(record.schema->id);
  TRY(writer_->go_live(ids).context("show the new copies"));
  writer_->advance(seen_);
  observe::info("new copies take the place of stale rows",
                {{"tables", ids.size()}, {"lsn", to_string(seen_)}});
  board_.with([&](SourceFacts& facts) {
    for (const TableId id : ids) facts.copies.erase(id);
  });
  return refresh_routes();
}

// Makes changes_ hold an entry for exactly the live tables; entries whose schema is the same are
// kept, with what the decoder knows about them.
Result<> Apply::refresh_routes() {
  tables_changed_ = true;
  catching_up_ = !writer_->behind().empty();
  waiting_ = false;
  std::unordered_map<TableId, std::unique_ptr<TableChanges>> routes;
  for (const collection::TableRecord& record : store_.tables()) {
    if (record.source != source_) continue;
    waiting_ = waiting_ || record.state == collection::TableState::Waiting;
    if (record.state != collection::TableState::Live) continue;
    const TableId id = record.schema->id;
    auto old = changes_.tables.find(id);
    auto& route = routes[id];
    if (old != changes_.tables.end() && old->second->schema == record.schema) {
      route = std::move(old->second);
    } else {
      route = std::make_unique<TableChanges>(record.schema);
    }
    route->skip_before = record.snapshot_lsn;
  }
  changes_.tables = std::move(routes);
  const auto records = store_.sources();
  stale_ = std::ranges::any_of(records, [&](const collection::SourceRecord& record) {
    return record.id == source_ && record.stale_at != Lsn{};
  });
  return {};
}

// Applies whatever whole transactions are waiting; false when there are none.
Result<bool> Apply::apply_waiting(std::stop_token stop) {
  changes_.clear();
  const bool something_else = more_to_tidy_ || more_to_catch_up_;
  auto record = TRY(reader_->next(stop, something_else ? 0ms : quiet).context("read stream"));
  if (!record) return false;
  const auto began = std::chrono::steady_clock::now();
  Time commit_time = applied_.commit_time;
  while (true) {
    TRY(decode_part(record->part, stop));
    if (changes_.keep.empty() || changes_.keep.back() != record->memory) {
      changes_.keep.push_back(record->memory);
    }
    read_ = record->end;
    const bool whole = record->part.last;
    if (whole) {
      changes_.applied.offset = read_;
      // An idle position has no messages, and nobody committed it.
      if (!record->part.messages.empty()) commit_time = record->part.commit_time;
      changes_.applied.commit_time = commit_time;
    }
    if (changes_.payload_bytes >= batch_bytes_max) {
      if (whole) break;
      TRY(flush(true, stop));
      changes_.clear();
    }
    record = TRY(reader_->next(stop, whole ? 0ms : 1000ms).context("read stream"));
    if (record) continue;
    if (whole) break;
    // Asked to stop in the middle of a transaction: what was applied of it is rolled back with the
    // writer, and read again after the restart.
    while (!record && !stop.stop_requested()) {
      record = TRY(reader_->next(stop, 1000ms).context("read stream"));
    }
    if (!record) return false;
  }
  TRY(flush(false, stop));
  batch_took_ = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - began);
  return true;
}

Result<> Apply::decode_part(const TransactionPart& part, const std::stop_token& stop) {
  while (const auto altered = TRY(decoder_.decode(part, changes_).context("decode"))) {
    TRY(follow_altered(*altered, stop));
  }
  return {};
}

// What came before has the old shape, what comes now the new one; all of it becomes visible
// together.
Result<> Apply::follow_altered(const decode::Altered& altered, const std::stop_token& stop) {
  TRY(flush(true, stop));
  changes_.clear();
  const TableId id = altered.schema->id;
  const auto entry = changes_.tables.find(id);
  if (entry == changes_.tables.end()) return {};  // it stopped at a value before
  collection::TableRecord& record = altered_record(id);
  const auto stopped =
      TRY(altered_tables_.follow(altered, record, *writer_, AlteredTables::Rows::Live, stop));
  skip_stopped(stopped);
  stopped_.insert(stopped_.end(), stopped.begin(), stopped.end());
  if (stopped.empty()) go_on_as(record.schema, entry->second);
  return {};
}

// As this commit has made it so far.
collection::TableRecord& Apply::altered_record(TableId id) {
  if (!altered_.contains(id)) {
    for (collection::TableRecord& record : store_.tables()) {
      if (record.source == source_ && record.schema->id == id) altered_[id] = std::move(record);
    }
  }
  return altered_[id];
}

// What has a label that is not known yet is applied, but not shown before the label has its place.
Result<> Apply::learn_labels(const std::stop_token& stop) {
  const std::vector<TableId> tables = tables_with_new_labels(changes_);
  if (tables.empty()) return {};
  const Applied applied = changes_.applied;
  const auto payload_bytes = changes_.payload_bytes;
  TRY(apply_changes(true));
  changes_.clear();
  changes_.applied = applied;
  changes_.payload_bytes = payload_bytes;
  for (const TableId id : tables) {
    const auto entry = changes_.tables.find(id);
    if (entry == changes_.tables.end()) continue;  // it stopped
    collection::TableRecord& record = altered_record(id);
    const auto stopped =
        TRY(altered_tables_.learn_labels(record, *writer_, AlteredTables::Rows::Live, stop));
    skip_stopped(stopped);
    stopped_.insert(stopped_.end(), stopped.begin(), stopped.end());
    if (stopped.empty()) go_on_as(record.schema, entry->second);
  }
  return {};
}

Result<> Apply::flush(bool more_follows, const std::stop_token& stop) {
  TRY(learn_labels(stop));
  return apply_changes(more_follows);
}

Result<> Apply::apply_changes(bool more_follows) {
  // Whether decode or the writer stops them: none of what came with this commit shows.
  const bool only_idle = changes_.payload_bytes == 0 && transactions_ == 0;
  skip_stopped(changes_.stopped);
  if (!only_idle) FAILPOINT("changes.apply.before");
  const auto failed = TRY(writer_->apply(changes_, more_follows));
  skip_stopped(failed);
  transactions_ += changes_.transactions;
  stopped_.insert(stopped_.end(), failed.begin(), failed.end());
  if (more_follows) return {};
  applied_ = changes_.applied;
  seen_ = std::max(seen_, applied_.lsn);
  static observe::Counter& transactions = observe::counter(
      "freshet_collection_applied_transactions_total", "Source transactions made visible.");
  transactions.add(static_cast<double>(std::exchange(transactions_, 0)));
  if (!only_idle) note_lag();
  return settle_stopped();
}

// Their further changes are not decoded.
void Apply::skip_stopped(const std::vector<ChangeSet::Stopped>& stopped) {
  for (const ChangeSet::Stopped& table : stopped) changes_.tables.erase(table.table);
}

// After the commit: tells who has to know what became of the tables.
Result<> Apply::settle_stopped() {
  const bool altered = !altered_.empty();
  altered_.clear();
  if (stopped_.empty()) return altered ? refresh_routes() : Result<>{};
  bool copy_again = false;
  for (const ChangeSet::Stopped& table : std::exchange(stopped_, {})) {
    tell_stopped(table);
    copy_again = copy_again || table.shape_changed;
  }
  if (copy_again) handover_.copies_wanted.update([](std::uint64_t& count) { ++count; });
  return refresh_routes();
}

// How long the newest transaction of this batch took from its commit to being visible.
void Apply::note_lag() {
  const auto now =
      std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
  board_.with([&](SourceFacts& facts) {
    const auto lag =
        now + facts.clock_offset.value_or(std::chrono::microseconds{}) - applied_.commit_time;
    facts.batch_lag = std::max(lag, std::chrono::microseconds{});
    facts.applied_at = std::chrono::steady_clock::now();
  });
}

// Nothing is waiting: if the source was seen to be idle up to here, queries may know.
void Apply::follow_idle() {
  board_.with([](SourceFacts& facts) { facts.caught_up_at = std::chrono::steady_clock::now(); });
  const Idle idle = handover_.idle.get();
  if (idle.lsn <= seen_ || idle.offset > read_) return;
  seen_ = idle.lsn;
  writer_->advance(seen_);
}

// Garbage, checkpoints and the stream's old files: a bounded piece of work now and then.
Result<> Apply::look_after(bool busy) {
  const auto now = std::chrono::steady_clock::now();
  if ((more_to_tidy_ && !busy) || now - tidied_ > tidy_interval) {
    more_to_tidy_ = TRY(writer_->tidy().context("tidy"));
    TRY(writer_->checkpoint_if_due().context("checkpoint"));
    tidied_ = now;
  }
  if (now - retired_ < retire_interval) return {};
  retired_ = now;
  Offset keep = applied_.offset;
  if (const auto copying = handover_.copying_from.get()) keep = std::min(keep, *copying);
  if (const auto behind = catch_up_.needed_from(*writer_)) keep = std::min(keep, *behind);
  for (const collection::TableRecord& record : store_.tables()) {
    if (record.source == source_ && record.state == collection::TableState::Paused) {
      keep = std::min(keep, record.replay_from);
    }
  }
  handover_.needed_from.with([&](std::optional<Offset>& needed) { needed = keep; });
  TRY(stream_.retire(keep, retention_).context("retire stream"));
  board_.with([&](SourceFacts& facts) { facts.stream_bytes = stream_.kept_bytes(); });
  return {};
}

}  // namespace freshet::server
