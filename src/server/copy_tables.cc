#include "server/copy_tables.h"

#include <unistd.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "base/thread.h"
#include "observe/log.h"
#include "postgres/types.h"

namespace freshet::server {

namespace {

using namespace std::chrono_literals;
using collection::TableRecord;
using collection::TableState;

constexpr std::chrono::milliseconds retry_first = 1s;
constexpr std::chrono::milliseconds retry_max = 60s;
constexpr auto look_interval = 1s;  // for tables whose retry has come due

bool has_binary_form(const TableSchema& schema) {
  return std::ranges::all_of(schema.columns, [](const ColumnSchema& column) {
    return postgres::has_binary_form(column.pg_type);
  });
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
      set_phase(records, "waiting for slot");
      auto created = snapshot::Snapshot::create(
          options_.url,
          {.slot = options_.slot + "_copy_" + std::to_string(::getpid()), .temporary = true}, stop);
      if (!created.ok()) {
        for (const TableRecord& record : records) failed(*record.schema, created.error());
        handover_.copying_from.update([](auto& from) { from.reset(); });
        continue;
      }
      snapshot = *std::move(created);
    }
    const Result<> copied = copy_all(records, std::move(snapshot), replay_from, stop);
    wait_until_taken(stop);
    handover_.copying_from.update([](auto& from) { from.reset(); });
    TRY(copied);
  }
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

Result<> CopyTables::copy_all(const Records& records, std::unique_ptr<snapshot::Snapshot> snapshot,
                              Offset replay_from, std::stop_token stop) {
  set_phase(records, "waiting for lock");
  Guarded<std::deque<Job>> jobs(TRY(plan(records, *snapshot)));
  set_phase(records, "waiting for copy");
  const std::size_t workers = std::min<std::size_t>(options_.workers, records.size());
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < workers; ++i) {
      threads.emplace_back([&, i] {
        name_this_thread("copy:" + std::to_string(i));
        work(jobs, *snapshot, replay_from, stop);
      });
    }
  }
  return {};
}

// Locks each table and reads its shape as the snapshot sees it; the largest come first, so that the
// last worker is not left alone with one.
Result<std::deque<CopyTables::Job>> CopyTables::plan(const Records& records,
                                                     snapshot::Snapshot& snapshot) {
  std::deque<Job> jobs;
  for (const TableRecord& record : records) {
    auto table = snapshot.lock(record.schema->id);
    if (!table.ok()) {
      failed(*record.schema, std::move(table).error());
      continue;
    }
    if (options_.binary && !has_binary_form(table->schema)) {
      Error again;
      again.fault = Fault::Transient;
      again.message = "table " + table->schema.qualified_name() +
                      " has a type that must be followed as text; reconnecting in text mode";
      return again;
    }
    jobs.push_back({*std::move(table), std::make_shared<snapshot::CopyProgress>()});
  }
  std::ranges::sort(jobs, std::greater<>{}, [](const Job& job) { return job.table.bytes; });
  return jobs;
}

void CopyTables::work(Guarded<std::deque<Job>>& jobs, const snapshot::Snapshot& snapshot,
                      Offset replay_from, std::stop_token stop) {
  while (!stop.stop_requested()) {
    std::optional<Job> job;
    jobs.with([&](std::deque<Job>& queue) {
      if (queue.empty()) return;
      job = std::move(queue.front());
      queue.pop_front();
    });
    if (!job) return;
    Result<> copied = copy_one(*job, snapshot, replay_from, stop);
    if (!copied.ok() && !stop.stop_requested()) {
      failed(job->table.schema, std::move(copied).error());
    }
  }
}

Result<> CopyTables::copy_one(const Job& job, const snapshot::Snapshot& snapshot,
                              Offset replay_from, std::stop_token stop) {
  const TableId id = job.table.schema.id;
  board_.with([&](SourceFacts& facts) {
    CopyFacts& copy = facts.copies[id];
    copy.schema = job.table.schema.schema;
    copy.name = job.table.schema.name;
    copy.phase = "waiting for lock";
    copy.rows_estimated = job.table.rows_estimated;
    copy.started = std::chrono::steady_clock::now();
    copy.progress = job.progress;
  });
  auto copy = TRY(store_.copy(source_, std::make_shared<const TableSchema>(job.table.schema)));
  TRY(snapshot::copy_table(
      options_.url, snapshot.name(), job.table,
      [&](std::span<const Column> columns) {
        if (copy->rows() == 0) set_copying(id);
        return copy->append(columns);
      },
      *job.progress, stop));
  TRY(copy->finish());
  retries_.with([&](auto& retries) { retries.erase(id); });
  board_.with([&](SourceFacts& facts) {
    facts.copies[id].phase = "catching up";
    facts.table_errors.erase(id);
  });
  handover_.give(FinishedCopy{std::move(copy), snapshot.lsn(), replay_from});
  return {};
}

// The first rows have come, so the table is locked and read.
void CopyTables::set_copying(TableId table) {
  board_.with([&](SourceFacts& facts) {
    facts.copies[table].phase = "copying";
    facts.copies[table].started = std::chrono::steady_clock::now();
  });
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
    observe::warn("could not copy table, trying again",
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
  board_.with([&](SourceFacts& facts) {
    for (const TableRecord& record : records) {
      CopyFacts& copy = facts.copies[record.schema->id];
      copy.schema = record.schema->schema;
      copy.name = record.schema->name;
      copy.phase = phase;
    }
  });
}

void CopyTables::wait_until_taken(std::stop_token stop) {
  handover_.orders.wait(stop, [](const Orders& orders) { return orders.taken == orders.given; });
}

}  // namespace freshet::server
