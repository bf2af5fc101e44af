// Copies tables at one LSN.
//
// A Snapshot is a replication slot's consistent point together with the exported snapshot that
// shows exactly the commits before it: a commit is in the copy or in the stream, never in both,
// never in neither. The first copy uses the main slot itself; a later one a temporary slot.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/column.h"
#include "model/position.h"
#include "model/schema.h"
#include "postgres/catalog.h"
#include "postgres/connection.h"
#include "postgres/plugin.h"

namespace freshet::snapshot {

struct SnapshotOptions {
  std::string slot{};      // created here
  bool temporary = false;  // dropped with the snapshot
  postgres::Plugin plugin = postgres::Plugin::Pgoutput;
  // For each lock and each running transaction; on a standby for all that its primary must send.
  std::chrono::milliseconds lock_timeout{30'000};
};

// The leader: holds the snapshot, and ACCESS SHARE locks so that nothing rewrites the tables below
// it. One thread; workers import it by name on their own connections.
class Snapshot {
 public:
  // Transient errors when it has to wait longer than allowed, or is asked to stop (57014).
  static Result<std::unique_ptr<Snapshot>> create(const std::string& url, SnapshotOptions options,
                                                  std::stop_token stop = {});
  ~Snapshot();  // ends the transaction; the locks go

  Lsn lsn() const;
  const std::string& name() const;
  // Locks a table against rewriting and truncation, then reads it again as it is under the
  // snapshot.
  Result<postgres::CatalogTable> lock(TableId table);

  struct State;

 private:
  explicit Snapshot(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Counted while a table is copied; read by any thread.
struct CopyProgress {
  std::atomic<std::uint64_t> rows{0};
  std::atomic<std::uint64_t> bytes{0};  // as received
};

// Takes batches of up to 2,048 × n rows in the schema's column order; the strings are valid during
// the call only.
using RowSink = std::function<Result<>(std::span<const Column>)>;

// Copies one table under the snapshot by binary COPY (columns without a binary form as text), on a
// connection of its own.
Result<> copy_table(const std::string& url, const std::string& snapshot_name,
                    const postgres::CatalogTable& table, const RowSink& sink,
                    CopyProgress& progress, std::stop_token stop);

}  // namespace freshet::snapshot
