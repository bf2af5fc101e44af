#include "server/status_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "postgres/connection.h"
#include "source/slot.h"

namespace freshet::server {

namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

// Apply looks for work every few milliseconds: anything beyond this is real waiting.
constexpr auto idle_noise = 100ms;
// The lag of the last batch counts for this long; afterwards the source was simply quiet.
constexpr auto batch_counts_for = 1s;

std::int64_t milliseconds(steady_clock::duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

// How far behind queries are: the last batch's own delay, or how long something has been waiting.
std::optional<std::int64_t> lag_ms(const SourceFacts& facts) {
  const auto now = steady_clock::now();
  if (facts.caught_up_at == steady_clock::time_point{} &&
      facts.applied_at == steady_clock::time_point{}) {
    return std::nullopt;
  }
  const auto last_word = std::max(facts.caught_up_at, facts.applied_at);
  steady_clock::duration lag{};
  if (now - last_word > idle_noise) lag = now - last_word;
  // What came before was applied, but the source may have more that was not taken.
  if (facts.rest) lag = std::max(lag, now - facts.rest->since);
  if (now - facts.applied_at < batch_counts_for) {
    lag = std::max(lag, std::chrono::duration_cast<steady_clock::duration>(facts.batch_lag));
  }
  return milliseconds(lag);
}

std::optional<std::int64_t> lag_bytes(const SourceFacts& facts, const Applied& applied) {
  if (facts.source_flushed.value == 0) return std::nullopt;
  if (facts.source_flushed <= applied.lsn) return 0;
  return static_cast<std::int64_t>(facts.source_flushed.value - applied.lsn.value);
}

// When the source may give up our slot, if nothing is confirmed from now on; nothing: never.
std::optional<double> slot_lost_in_seconds(const SourceFacts& facts) {
  constexpr double noticeable_bytes_per_second = 1;
  const double rate = facts.wal_bytes_per_second.value_or(0);
  if (!facts.safe_wal_bytes || rate < noticeable_bytes_per_second) return std::nullopt;
  return static_cast<double>(*facts.safe_wal_bytes) / rate;
}

query::ProgressStatus progress_of(const std::string& source, const CopyFacts& copy) {
  query::ProgressStatus status{.source = source,
                               .schema = copy.schema,
                               .name = copy.name,
                               .phase = copy.phase,
                               .waiting_for = copy.waiting_for,
                               .rows_estimated = std::nullopt,
                               .seconds_left = std::nullopt,
                               .bytes_left = copy.bytes_left};
  const auto now = steady_clock::now();
  if (copy.bytes_left) {
    const auto left = static_cast<double>(*copy.bytes_left);
    const double shrinks = -copy.pace.per_second(now, left).value_or(0);
    if (shrinks > 0) status.seconds_left = left / shrinks;
  }
  if (copy.rows_estimated >= 0) {
    status.rows_estimated = static_cast<std::uint64_t>(copy.rows_estimated);
  }
  if (!copy.progress) return status;
  status.rows = copy.progress->rows.load(std::memory_order_relaxed);
  status.bytes = copy.progress->bytes.load(std::memory_order_relaxed);
  if (copy.phase != "copying") return status;
  const auto rate = copy.pace.per_second(now, static_cast<double>(status.rows));
  status.rows_per_second = rate.value_or(0);
  if (status.rows_estimated && status.rows_per_second > 0) {
    const double left = copy.rows_estimated - static_cast<double>(status.rows);
    status.seconds_left = std::max(0.0, left / status.rows_per_second);
  }
  return status;
}

}  // namespace

void StatusView::watch(const std::vector<std::unique_ptr<Supervisor>>& supervisors) {
  for (const auto& supervisor : supervisors) supervisors_.push_back(supervisor.get());
}

std::vector<query::SourceStatus> StatusView::sources() const {
  std::vector<query::SourceStatus> all;
  for (const Supervisor* supervisor : supervisors_) {
    const SourceFacts facts = supervisor->board().get();
    query::SourceStatus status;
    status.name = supervisor->source().name;
    status.state = facts.state;
    status.url = postgres::without_password(supervisor->source().url);
    status.slot = source::names_for(status.name).slot;
    status.server_version = facts.server_version;
    status.received = facts.progress.received;
    status.durable = facts.progress.durable;
    status.confirmed = facts.progress.confirmed;
    status.stale = facts.state == "stale";
    if (const auto record = store_.find_source(status.name)) {
      const Applied applied = store_.visible(record->id);
      status.applied = applied.lsn;
      status.stale = status.stale || record->stale_at != Lsn{};
      if (!status.stale) status.lag_bytes = lag_bytes(facts, applied);
    }
    status.lag_ms = lag_ms(facts);
    status.stream_bytes = facts.stream_bytes;
    status.spool_bytes = facts.spool_bytes;
    status.retained_wal_bytes = facts.retained_wal_bytes;
    status.wal_status = facts.wal_status;
    status.safe_wal_bytes = facts.safe_wal_bytes;
    status.wal_bytes_per_second = facts.wal_bytes_per_second;
    status.slot_lost_in_seconds = slot_lost_in_seconds(facts);
    status.resting = facts.rest.has_value();
    if (facts.rest) {
      status.last_error = facts.rest->message;
      status.hint = facts.rest->hint;
    } else if (facts.state != "live") {
      status.last_error = facts.last_error;
      status.hint = facts.last_hint;
    }
    all.push_back(std::move(status));
  }
  return all;
}

std::vector<query::TableStatus> StatusView::tables() const {
  struct Known {
    std::string name;
    SourceFacts facts;
    Applied applied;
    bool is_stale = false;  // shows rows of before it was begun anew
  };
  std::map<SourceId, Known> sources;
  for (const collection::SourceRecord& record : store_.sources()) {
    sources[record.id] = {record.name, {}, store_.visible(record.id), record.stale_at != Lsn{}};
    for (const Supervisor* supervisor : supervisors_) {
      if (supervisor->source().name == record.name)
        sources[record.id].facts = supervisor->board().get();
    }
  }
  std::map<std::pair<SourceId, TableId>, collection::TableNumbers> numbers;
  for (const collection::TableNumbers& table : store_.numbers()) {
    numbers[{table.source, table.table}] = table;
  }
  std::vector<query::TableStatus> all;
  for (const collection::TableRecord& record : store_.tables()) {
    const TableId id = record.schema->id;
    const Known& source = sources[record.source];
    query::TableStatus status;
    status.source = source.name;
    status.schema = record.schema->schema;
    status.name = record.schema->name;
    status.state = std::string(to_string(record.state));
    const auto copy = source.facts.copies.find(id);
    if (record.state == collection::TableState::Waiting && copy != source.facts.copies.end() &&
        copy->second.phase == "copying") {
      status.state = "copying";
      status.rows = copy->second.progress->rows.load(std::memory_order_relaxed);
    }
    if (const auto found = numbers.find({record.source, id}); found != numbers.end()) {
      status.rows = std::max(status.rows, found->second.live_rows);
      status.dead_rows = found->second.dead_rows;
      status.key_index_bytes = found->second.index_bytes;
      status.live_row_map_bytes = found->second.bitset_bytes;
    }
    status.last_error = record.last_error;
    status.copied_lsn = record.snapshot_lsn;
    status.copying_again = record.resync;
    if (const auto error = source.facts.table_errors.find(id);
        error != source.facts.table_errors.end()) {
      status.last_error = error->second;
    }
    if (status.last_error.empty() && record.inserts_only) {
      status.last_error = "no usable identity: inserts and truncates only";
    }
    if (source.is_stale && status.last_error.empty()) {
      status.last_error = "stale: rows as of " + to_string(source.applied.lsn) +
                          ", until all tables are copied again";
    }
    if (source.is_stale || source.facts.state == "stale") status.applied_lsn = source.applied.lsn;
    if (source.facts.state == "stale" && record.state != collection::TableState::Failed) {
      status.state = "failed";
      status.last_error = "stale: rows as of " + to_string(source.applied.lsn) + ", because " +
                          source.facts.last_error + " (" + source.facts.last_hint + ")";
    } else if (record.state == collection::TableState::Live) {
      status.applied_lsn = source.applied.lsn;
      status.lag_ms = lag_ms(source.facts);
      status.lag_bytes = lag_bytes(source.facts, source.applied);
    }
    all.push_back(std::move(status));
  }
  add_derived(all);
  return all;
}

std::vector<query::ProgressStatus> StatusView::progress() const {
  std::vector<query::ProgressStatus> all;
  for (const Supervisor* supervisor : supervisors_) {
    const SourceFacts facts = supervisor->board().get();
    for (const auto& [id, copy] : facts.copies) {
      all.push_back(progress_of(supervisor->source().name, copy));
    }
  }
  add_fillings(all);
  return all;
}

// A position belongs to one source, and the others' positions mean nothing beside it: a source that
// was asked after the wait began and has not written that far cannot be meant.
Result<> StatusView::wait_visible(Lsn lsn, std::chrono::milliseconds limit,
                                  std::stop_token stop) const {
  const auto began = steady_clock::now();
  const std::vector<collection::SourceRecord> records = store_.sources();
  while (true) {
    bool some = false;
    bool all = true;
    std::string where;
    for (const collection::SourceRecord& record : records) {
      if (store_.wait_visible(record.id, lsn, records.size() == 1 ? limit : 20ms, stop)) {
        some = true;
      } else if (records.size() == 1 || !cannot_mean(record.name, lsn, began)) {
        all = false;
        where += fmt::format("Source {} is applied up to {}. ", record.name,
                             to_string(store_.visible(record.id).lsn));
      }
    }
    if (some && all) return {};
    Error error;
    if (stop.stop_requested()) {
      error.sqlstate = "57014";
      error.message = "canceling statement due to user request";
      return error;
    }
    if (steady_clock::now() - began < limit) continue;
    error.sqlstate = "55000";
    error.message =
        fmt::format("position {} is not visible after {} ms", to_string(lsn), limit.count());
    error.detail = where;
    error.hint = "Raise freshet.wait_timeout, or see freshet.sources for the cause of the lag.";
    return error;
  }
}

bool StatusView::cannot_mean(const std::string& source_name, Lsn lsn,
                             steady_clock::time_point began) const {
  for (const Supervisor* supervisor : supervisors_) {
    if (supervisor->source().name != source_name) continue;
    return supervisor->board().with([&](const SourceFacts& facts) {
      return facts.flushed_asked_at > began && facts.source_flushed < lsn;
    });
  }
  return true;  // recorded, but not followed by this process
}

std::vector<std::string> StatusView::not_ready() const {
  std::vector<std::string> reasons;
  for (const query::SourceStatus& source : sources()) {
    if (source.state == "retrying" || source.state == "failed" || source.state == "starting" ||
        source.state == "stale") {
      reasons.push_back("source " + source.name + " is " + source.state +
                        (source.last_error.empty() ? "" : ": " + source.last_error));
    }
    if (source.resting) reasons.push_back("source " + source.name + ": " + source.last_error);
    if (source.lag_ms && *source.lag_ms > config_.ready_lag_max.count()) {
      reasons.push_back(fmt::format("source {} is {} ms behind", source.name, *source.lag_ms));
    }
  }
  for (const query::TableStatus& table : tables()) {
    if (table.state != "live") {
      reasons.push_back("table " + table.schema + "." + table.name + " is " + table.state +
                        (table.last_error.empty() ? "" : ": " + table.last_error));
    }
  }
  return reasons;
}

}  // namespace freshet::server
