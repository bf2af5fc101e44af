#include "server/copy_tables.h"

#include <unistd.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "base/thread.h"
#include "observe/log.h"
#include "postgres/sqlstate.h"
#include "postgres/types.h"
#include "server/load_threads.h"
#include "server/slot_wait.h"
#include "snapshot/table_sizes.h"
#include "snapshot/waiting.h"
#include "source/reminder.h"

namespace freshet::server {

namespace {

using namespace std::chrono_literals;
using collection::TableRecord;
using collection::TableState;
using Patience = snapshot::TableReader::Patience;

constexpr std::chrono::milliseconds retry_first = 1s;
constexpr std::chrono::milliseconds retry_max = 60s;
constexpr std::chrono::milliseconds look_interval =
    1s;                                    // for retries that are due, and after workers
constexpr auto keep_alive_interval = 20s;  // of the snapshot; less than any NAT forgets in
constexpr std::chrono::milliseconds answers_within = 60s;
constexpr std::chrono::milliseconds reminder_limit = 30s;
constexpr unsigned lock_attempts_max = 6;  // under one snapshot

bool has_binary_form(const TableSchema& schema) {
  return std::ranges::all_of(
      schema.columns, [](const ColumnSchema& column) { return postgres::has_binary_form(column); });
}

}  // namespace

CopyTables::CopyTables(Options options, collection::Store& store, SourceId source,
                       stream::Stream& stream, Handover& handover, Board& board)
    : options_(std::move(options)),
      store_(store),
      source_(source),
      stream_(stream),
      handover_(handover),
      board_(board) {}

Result<> CopyTables::run(std::unique_ptr<snapshot::Snapshot> first, std::stop_token stop) {
  while (!stop.stop_requested()) {
    const std::uint64_t wanted = handover_.copies_wanted.get();
    const Records records = due();
    if (records.empty()) {
      first.reset();
      board_.with([](SourceFacts& facts) {
        facts.state = "live";
        facts.last_error.clear();
        // Tables that turned out not to be copied at all.
        std::erase_if(facts.copies,
                      [](const auto& each) { return each.second.phase.starts_with("waiting"); });
      });
      handover_.copies_wanted.wait_for(stop, look_interval,
                                       [&](std::uint64_t count) { return count != wanted; });
      continue;
    }
    board_.with([](SourceFacts& facts) { facts.state = "copying"; });
    // Every commit that the snapshot does not show comes after this offset. The first snapshot's
    // was set before anything could be received.
    const Offset replay_from = first ? *handover_.copying_from.get() : stream_.durable().offset;
    handover_.copying_from.update([&](auto& from) { from = replay_from; });
    auto snapshot = std::move(first);
    if (!snapshot) {
      auto created = new_snapshot(records, stop);
      if (!created.ok()) {
        for (const TableRecord& record : records) failed(*record.schema, created.error());
        handover_.copying_from.update([](auto& from) { from.reset(); });
        continue;
      }
      snapshot = *std::move(created);
    }
    const Result<> copied = copy_all(records, *snapshot, replay_from, stop);
    snapshot.reset();
    wait_until_taken(stop);
    handover_.copying_from.update([](auto& from) { from.reset(); });
    TRY(copied);
  }
  return {};
}

Result<std::unique_ptr<snapshot::Snapshot>> CopyTables::new_snapshot(const Records& records,
                                                                     std::stop_token stop) {
  std::vector<const TableSchema*> tables;
  for (const TableRecord& record : records) tables.push_back(record.schema.get());
  const SlotWait shown(options_.url, tables, board_);
  TRY(remind_of(records, stop));
  return snapshot::Snapshot::create(
      options_.url,
      {.slot = options_.names.slot + "_copy_" + std::to_string(::getpid()),
       .temporary = true,
       .plugin = options_.plugin},
      std::move(stop));
}

// The tables may have been published while transactions were open.
Result<> CopyTables::remind_of(const Records& records, std::stop_token stop) {
  const bool published = options_.plugin == postgres::Plugin::Pgoutput;
  if (!published || !source::needs_reminder(options_.server_version)) return {};
  const auto connection = TRY(postgres::Connection::connect(options_.url, {.stop = stop}));
  connection->limit_answers(stop, answers_within);
  if (connection->parameter("in_hot_standby") == "on")
    return {};  // its publications are made above
  std::vector<TableId> tables;
  for (const TableRecord& record : records) tables.push_back(record.schema->id);
  const Result<> done =
      source::remind(*connection, options_.names, tables, std::move(stop), reminder_limit);
  if (done.ok() || done.error().sqlstate != postgres::sqlstate::insufficient_privilege) return done;
  observe::warn(
      "changes of new tables may be missed: this version of the server needs them to be "
      "published again, by their owner",
      {{"reason", done.error().message}, {"hint", done.error().hint}});
  return {};
}

// The waiting tables whose time has come.
CopyTables::Records CopyTables::due() const {
  const auto retries = retries_.get();
  const auto now = std::chrono::steady_clock::now();
  Records records;
  for (TableRecord& record : store_.tables()) {
    const bool again = record.state == TableState::Live && record.resync && !record.replaced;
    if (record.source != source_ || !(record.state == TableState::Waiting || again)) continue;
    const auto retry = retries.find(record.schema->id);
    if (retry == retries.end() || retry->second.at <= now) records.push_back(std::move(record));
  }
  return records;
}

Result<> CopyTables::copy_all(const Records& records, snapshot::Snapshot& snapshot,
                              Offset replay_from, std::stop_token stop) {
  set_phase(records, "waiting for copy");
  Round round(snapshot, replay_from, plan(records, snapshot), stop);
  const std::stop_callback stop_jobs(
      stop, [&] { round.queue.for_each([](CopyJob& job) { job.stop.request_stop(); }); });
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < options_.workers; ++i) {
      threads.emplace_back([&, i] {
        name_this_thread("copy:" + std::to_string(i));
        work(round);
      });
    }
    auto kept_alive = std::chrono::steady_clock::now();
    while (!round.queue.wait_done(stop, look_interval) && !stop.stop_requested()) {
      look_after(round);
      const auto now = std::chrono::steady_clock::now();
      if (now - kept_alive < keep_alive_interval) continue;
      kept_alive = now;
      // Those who have imported it read on; who cannot any more says so.
      ignore(snapshot.keep_alive());
    }
  }
  if (auto failure = round.failure.get()) return *std::move(failure);
  return {};
}

// The largest come first, so that the last worker is not left alone with one.
std::vector<std::unique_ptr<CopyJob>> CopyTables::plan(const Records& records,
                                                       snapshot::Snapshot& snapshot) {
  std::vector<TableId> ids;
  for (const TableRecord& record : records) ids.push_back(record.schema->id);
  using Sizes = std::map<TableId, snapshot::TableSize>;
  Sizes sizes;
  auto asked = snapshot.present().ask([&](postgres::Connection& connection) -> Result<Sizes> {
    return snapshot::table_sizes(connection, ids);
  });
  if (asked.ok()) sizes = *std::move(asked);
  std::vector<std::unique_ptr<CopyJob>> jobs;
  for (const TableRecord& record : records) jobs.push_back(std::make_unique<CopyJob>(record));
  std::ranges::stable_sort(jobs, std::greater<>{}, [&](const std::unique_ptr<CopyJob>& job) {
    return sizes[job->record.schema->id].pages;
  });
  board_.with([&](SourceFacts& facts) {
    for (const auto& job : jobs) {
      CopyFacts& copy = facts.copies[job->record.schema->id];
      copy.rows_estimated = sizes[job->record.schema->id].rows;
      copy.progress = job->progress;
    }
  });
  return jobs;
}

void CopyTables::work(Round& round) {
  std::unique_ptr<snapshot::TableReader> reader;
  while (const auto task = round.queue.next(round.stop)) {
    Result<> outcome = copy_some(*task, round, reader);
    // Whatever is wrong with it goes with the connection, its lock too.
    if (!outcome.ok()) reader.reset();
    if (!task->helps && try_later(*task->job, round, outcome)) continue;
    leave(*task->job, round, std::move(outcome));
  }
}

// As many pieces of one table as there are.
Result<> CopyTables::copy_some(const CopyQueue::Task& task, Round& round,
                               std::unique_ptr<snapshot::TableReader>& reader) {
  CopyJob& job = *task.job;
  if (!reader) {
    reader = TRY(snapshot::TableReader::connect(options_.url, {.stop = round.stop})
                     .context("copy " + job.record.schema->qualified_name()));
  }
  if (!task.helps) {
    TRY(open(job, round, *reader));
  } else if (!reader
                  ->open(round.snapshot, job.record.schema->id, Patience::WaitsNot,
                         job.record.widened)
                  .ok()) {
    round.queue.needs_no_help(job);
    reader.reset();
    return {};
  }
  std::optional<LoadThreads> load;
  while (const auto piece = round.queue.take_piece(job)) {
    if (!load) load.emplace(*job.copy, loaders_per_worker());
    const Result<> copied = reader->copy(
        *piece, [&](snapshot::RowBatch& batch) { return load->put(batch); }, *job.progress,
        job.stop.get_token());
    if (const auto column = copied.ok() ? std::nullopt : reader->widened()) {
      job.widened.with([&](auto& widened) { widened = column; });
    }
    TRY(copied);
  }
  TRY(reader->close());
  if (load) TRY(load->finish());
  return {};
}

// With all workers at work there is no core for a second one.
unsigned CopyTables::loaders_per_worker() const {
  constexpr unsigned useful_max = 2;
  const unsigned cores = std::max(std::thread::hardware_concurrency(), 1U);
  return std::clamp(cores / options_.workers, 1U, useful_max);
}

// Locks it, finds out its shape under the snapshot, and cuts it for all.
Result<> CopyTables::open(CopyJob& job, Round& round, snapshot::TableReader& reader) {
  set_phase(*job.record.schema, "waiting for lock");
  ++job.attempts;
  job.waits = reader.backend_pid();
  auto locked =
      reader.open(round.snapshot, job.record.schema->id, Patience::Waits, job.record.widened);
  job.waits = 0;
  const postgres::CatalogTable table = TRY(std::move(locked));
  if (options_.binary && !has_binary_form(table.schema)) {
    Error again;
    again.fault = Fault::Transient;
    again.message = "table " + table.schema.qualified_name() +
                    " has a type that must be followed as text; reconnecting in text mode";
    round.failure.with([&](std::optional<Error>& failure) { failure = again; });
    round.queue.for_each([](CopyJob& each) { each.stop.request_stop(); });
    return again;
  }
  job.copy =
      TRY(store_.copy(source_, std::make_shared<const TableSchema>(table.schema), table.catalog));
  auto pieces = TRY(reader.cut({.workers = options_.workers}));
  board_.with([&](SourceFacts& facts) {
    CopyFacts& copy = facts.copies[table.schema.id];
    if (table.rows_estimated > 0) copy.rows_estimated = table.rows_estimated;
    copy.copies();
  });
  round.queue.opened(job, std::move(pieces));
  return {};
}

// A table that somebody else has locked does not hold up the others.
bool CopyTables::try_later(CopyJob& job, Round& round, const Result<>& outcome) {
  const bool locked = !outcome.ok() && !job.copy &&
                      outcome.error().sqlstate == postgres::sqlstate::lock_not_available;
  if (!locked || job.attempts >= lock_attempts_max || round.stop.stop_requested()) return false;
  observe::info("table is locked, copying it later",
                {{"table", job.record.schema->qualified_name()},
                 {"attempt", job.attempts},
                 {"attempts_max", lock_attempts_max}});
  round.queue.later(job);
  return true;
}

void CopyTables::leave(CopyJob& job, Round& round, Result<> outcome) {
  switch (round.queue.leave(job, std::move(outcome))) {
    case CopyQueue::Left::Others: return;
    case CopyQueue::Left::Complete: return hand_over(job, round);
    case CopyQueue::Left::Failed: break;
  }
  if (round.stop.stop_requested() || round.failure.get()) return;
  if (known_tables().contains(job.record.schema->id)) {
    if (const auto column = job.widened.get())
      return widen(job, *column, *round.queue.failure(job));
    return failed(*job.record.schema, *round.queue.failure(job));
  }
  board_.with([&](SourceFacts& facts) { facts.copies.erase(job.record.schema->id); });
}

void CopyTables::hand_over(CopyJob& job, Round& round) {
  const TableId id = job.record.schema->id;
  retries_.with([&](auto& retries) { retries.erase(id); });
  board_.with([&](SourceFacts& facts) {
    facts.copies[id].phase = "catching up";
    facts.table_errors.erase(id);
  });
  handover_.give(FinishedCopy{std::move(job.copy), round.snapshot.lsn(), round.replay_from});
}

// While the workers copy: says who they wait for, and stops the copies that nobody wants any more.
void CopyTables::look_after(Round& round) {
  std::vector<std::pair<TableId, int>> waiting;
  const std::set<TableId> known = known_tables();
  round.queue.for_each([&](CopyJob& job) {
    if (!known.contains(job.record.schema->id)) job.stop.request_stop();
    if (job.waits != 0) waiting.emplace_back(job.record.schema->id, job.waits.load());
  });
  board_.with([](SourceFacts& facts) {
    for (auto& [id, copy] : facts.copies) copy.note_rows();
  });
  for (const auto& [id, pid] : waiting) {
    const auto holders = round.snapshot.present().ask(
        [pid = pid](postgres::Connection& connection) -> Result<std::string> {
          return snapshot::lock_holders(connection, pid);
        });
    if (!holders.ok()) continue;
    board_.with([&, id = id](SourceFacts& facts) {
      CopyFacts& copy = facts.copies[id];
      if (copy.phase == "waiting for lock") copy.waiting_for = *holders;
    });
  }
}

std::set<TableId> CopyTables::known_tables() const {
  std::set<TableId> known;
  for (const TableRecord& record : store_.tables()) {
    if (record.source == source_) known.insert(record.schema->id);
  }
  return known;
}

// The next copy holds the column wider; rows that are there are seen until then.
void CopyTables::widen(const CopyJob& job, const WidenedColumn& column, const Error& why) {
  const TableSchema& schema = *job.record.schema;
  board_.with([&](SourceFacts& facts) { facts.copies.erase(schema.id); });
  observe::info("a value does not fit the type of its column, copying the table again",
                {{"table", schema.qualified_name()},
                 {"type", to_string(column.type)},
                 {"reason", why.message}});
  for (TableRecord& record : store_.tables()) {
    if (record.source != source_ || record.schema->id != schema.id) continue;
    record.widened.push_back(column);
    handover_.give(std::move(record));
  }
}

// By fault class: what may pass is tried again later and later, the rest stops this table alone.
void CopyTables::failed(const TableSchema& schema, Error error) {
  board_.with([&](SourceFacts& facts) { facts.copies.erase(schema.id); });
  if (error.fault == Fault::Transient) {
    retries_.with([&](auto& retries) {
      const auto [retry, is_new] = retries.try_emplace(schema.id, Retry{{}, retry_first});
      if (!is_new) retry->second.delay = std::min(retry->second.delay * 2, retry_max);
      retry->second.at = std::chrono::steady_clock::now() + retry->second.delay;
    });
    // Somebody altered it in the same moment: nothing that anybody has to look at.
    const bool altered = error.sqlstate == postgres::sqlstate::serialization_failure;
    const auto log = altered ? observe::info : observe::warn;
    log("could not copy table, trying again",
        {{"table", schema.qualified_name()}, {"reason", error.message}});
    board_.with([&](SourceFacts& facts) { facts.table_errors[schema.id] = error.message; });
    return;
  }
  observe::error("table failed", {{"table", schema.qualified_name()}, {"reason", error.message}});
  for (TableRecord& record : store_.tables()) {
    if (record.source != source_ || record.schema->id != schema.id) continue;
    record.state = TableState::Failed;
    record.last_error = error.message;
    if (!error.hint.empty()) record.last_error += " (" + error.hint + ")";
    handover_.give(std::move(record));
  }
}

void CopyTables::set_phase(const Records& records, const std::string& phase) {
  for (const TableRecord& record : records) set_phase(*record.schema, phase);
}

void CopyTables::set_phase(const TableSchema& schema, const std::string& phase) {
  board_.with([&](SourceFacts& facts) { facts.copies[schema.id].waits(schema, phase); });
}

void CopyTables::wait_until_taken(std::stop_token stop) {
  handover_.orders.wait(stop, [](const Orders& orders) { return orders.taken == orders.given; });
}

}  // namespace freshet::server
