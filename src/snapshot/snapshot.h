// Copies tables at one LSN.
//
// A Snapshot is a replication slot's consistent point together with the exported snapshot that
// shows exactly the commits before it: a commit is in the copy or in the stream, never in both,
// never in neither. The first copy uses the main slot itself; a later one a temporary slot.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "model/position.h"
#include "postgres/plugin.h"
#include "snapshot/present.h"

namespace freshet::snapshot {

struct SnapshotOptions {
  std::string slot{};      // created here
  bool temporary = false;  // dropped with the snapshot
  postgres::Plugin plugin = postgres::Plugin::Pgoutput;
  // For each lock and each running transaction; on a standby for all that its primary must send.
  std::chrono::milliseconds lock_timeout{30'000};
};

// Holds the snapshot in an open transaction; readers import it by name on their own connections
// (table_reader.h).
class Snapshot {
 public:
  // Transient errors when it has to wait longer than allowed, or is asked to stop (57014).
  static Result<std::unique_ptr<Snapshot>> create(const std::string& url, SnapshotOptions options,
                                                  std::stop_token stop = {});
  ~Snapshot();  // ends the transaction

  Lsn lsn() const;
  const std::string& name() const;
  postgres::Plugin plugin() const;
  // To be called now and then while others read: what lies between us and the server may drop a
  // connection on which nothing happens. Fails when the snapshot is lost for new readers.
  Result<> keep_alive();
  // For all who read under it; any thread.
  Present& present();

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

}  // namespace freshet::snapshot
