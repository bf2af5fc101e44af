// The board of one source: what its stages say about themselves, for status and for people. Written
// by the stages, read by everybody; never waited for by the path of the data.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/guarded.h"
#include "model/position.h"
#include "model/schema.h"
#include "server/pace.h"
#include "snapshot/snapshot.h"

namespace freshet::server {

// One table being copied, or about to be.
struct CopyFacts {
  std::string schema;
  std::string name;
  std::string phase;        // "waiting for slot", "waiting for lock", "copying", "catching up"
  std::string waiting_for;  // whom, in words
  double rows_estimated = -1;
  std::optional<std::uint64_t> bytes_left{};  // of the stream, while catching up
  Pace pace;                                  // of the rows, or of bytes_left
  std::shared_ptr<const snapshot::CopyProgress> progress;

  // The table waits for its copy, or for somebody.
  void waits(const TableSchema& table, std::string its_phase) {
    schema = table.schema;
    name = table.name;
    phase = std::move(its_phase);
    waiting_for.clear();
  }
  void copies() {
    phase = "copying";
    waiting_for.clear();
    note_rows();
  }
  void note_rows() {
    if (phase != "copying" || !progress) return;
    pace.add(Pace::Clock::now(), static_cast<double>(progress->rows.load()));
  }
  void catches_up(std::uint64_t left) {
    if (!bytes_left) pace = {};
    phase = "catching up";
    bytes_left = left;
    pace.add(Pace::Clock::now(), static_cast<double>(left));
  }
};

// Receiving rests: the source keeps what it could not send until there is room here again.
struct RestFacts {
  std::string message;
  std::string hint;
  std::chrono::steady_clock::time_point since{};
};

struct SourceFacts {
  std::string state = "starting";  // starting, copying, live, retrying, failed,
                                   // stale
  std::string server_version;      // "PostgreSQL 16.4"
  std::string last_error;
  std::string last_hint;
  bool ever_connected = false;
  Progress progress;
  std::chrono::steady_clock::time_point caught_up_at{};  // apply last found nothing waiting
  std::chrono::steady_clock::time_point applied_at{};    // a batch was last made visible
  std::chrono::microseconds batch_lag{};                 // of that batch: commit to visible
  Lsn source_flushed;                                    // end of the source's WAL, as last asked
  std::chrono::steady_clock::time_point
      flushed_asked_at{};                                 // when source_flushed was last asked for
  std::optional<std::chrono::microseconds> clock_offset;  // the source's clock minus ours
  std::optional<std::uint64_t> retained_wal_bytes;
  std::string wal_status;  // 13+; of our slot, as pg_replication_slots says
  // 13+: how much more the source writes until it may give up our slot; nothing: it has no limit.
  std::optional<std::uint64_t> safe_wal_bytes;
  std::optional<double> wal_bytes_per_second;  // that the source writes, over the last half minute
  std::optional<RestFacts> rest;
  int walsender_pid = 0;    // ours
  int slot_holder_pid = 0;  // who has our slot, as asked for at the same time as source_flushed
  // Since when that process has been seen to wait, and never to decode.
  std::optional<std::chrono::steady_clock::time_point> slot_holder_waits_since;
  std::uint64_t stream_bytes = 0;
  bool streaming_failed = false;  // the server could not send a transaction in progress
  std::uint64_t spool_bytes = 0;  // of transactions that have not committed
  Offset stream_end;
  std::map<TableId, CopyFacts> copies;
  std::map<TableId, std::string> table_errors;  // of copies that will be tried again
  std::vector<std::string> news;                // lines for the terminal, taken by take_news()
};

using Board = Guarded<SourceFacts>;

}  // namespace freshet::server
