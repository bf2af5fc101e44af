// What the server knows about itself, for freshet.sources, freshet.tables, freshet.progress, health
// and `freshet status`. The server implements Status; everybody else only asks.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/position.h"

namespace freshet::query {

struct SourceStatus {
  std::string name;
  std::string state;  // starting, copying, live, retrying, failed, stale
  // Queries see its rows as they were at `applied`; what came later is not coming.
  bool stale = false;
  std::string url;  // without password
  std::string slot;
  std::string server_version;
  Lsn received;
  Lsn durable;
  Lsn confirmed;
  Lsn applied;
  std::optional<std::int64_t> lag_ms;  // nothing before the first measurement
  std::optional<std::int64_t> lag_bytes;
  std::uint64_t stream_bytes = 0;  // kept on our disk
  std::uint64_t spool_bytes = 0;   // received of transactions that have not committed
  std::optional<std::uint64_t> retained_wal_bytes;  // held on the source by our slot
  std::string wal_status;                           // of our slot, as PostgreSQL says (13+)
  std::optional<std::uint64_t> safe_wal_bytes;      // more, until it may give our slot up
  std::optional<double> wal_bytes_per_second;       // that the source writes
  std::optional<double> slot_lost_in_seconds;       // if we confirmed nothing from now on
  bool resting = false;                             // receiving waits for room here
  std::string last_error;
  std::string hint;  // what to do about it, or empty
};

struct TableStatus {
  std::string source;
  std::string schema;
  std::string name;
  std::string state;  // waiting, copying, catching_up, live, paused, failed
  std::uint64_t rows = 0;
  std::uint64_t dead_rows = 0;
  std::uint64_t key_index_bytes = 0;     // of memory
  std::uint64_t live_row_map_bytes = 0;  // of memory
  Lsn applied_lsn;
  std::optional<std::int64_t> lag_ms;
  std::optional<std::int64_t> lag_bytes;
  std::string last_error;  // also notes such as "no usable identity: inserts and truncates only"
  Lsn copied_lsn;          // the snapshot its rows were copied from
  bool copying_again = false;  // rows that are live stay so until a new copy takes their place
};

struct ProgressStatus {
  std::string source;
  std::string schema;
  std::string name;
  std::string phase;        // "waiting for slot", "waiting for lock", "copying", "catching up"
  std::string waiting_for;  // whom, in words; empty while nobody is waited for
  std::uint64_t rows = 0;
  std::optional<std::uint64_t> rows_estimated;
  std::uint64_t bytes = 0;
  double rows_per_second = 0;
  std::optional<double> seconds_left;
  std::optional<std::uint64_t> bytes_left;  // of the stream, while catching up
};

// A collection made by a transformation; its rows and positions are in TableStatus.
struct DerivedStatus {
  std::string source;
  std::string schema;
  std::string name;
  std::string table_schema;  // what it is made of
  std::string table;
  std::string sql;
  std::vector<std::string> key;
  std::optional<std::int64_t> retention_seconds;
  std::string on_error;  // reject, stop
};

// A row for which a transformation failed.
struct RejectStatus {
  std::string source;
  std::string schema;
  std::string name;
  std::uint64_t number = 0;
  std::string came_at;
  std::string lsn;
  std::string sqlstate;
  std::string message;
  std::string row;  // JSON
};

// Thread safe; answers from memory (rejects() from the store), never from the network.
class Status {
 public:
  virtual ~Status() = default;
  virtual std::vector<SourceStatus> sources() const = 0;
  virtual std::vector<TableStatus> tables() const = 0;
  virtual std::vector<ProgressStatus> progress() const = 0;
  virtual std::vector<DerivedStatus> derived() const { return {}; }
  virtual Result<std::vector<RejectStatus>> rejects() const { return std::vector<RejectStatus>(); }
  // Waits until every source that `lsn` can belong to shows it to new queries. Fails with 57014
  // when asked to stop and with 55000 (and what the applied position is) when the time is over.
  virtual Result<> wait_visible(Lsn lsn, std::chrono::milliseconds limit,
                                std::stop_token stop) const = 0;
  // Empty when all tables are live and lag is under the limit; else why not, a line per reason.
  virtual std::vector<std::string> not_ready() const = 0;
};

}  // namespace freshet::query
