// Reads tables under a snapshot, one after the other or a piece at a time, on a connection of its
// own. Several readers can share one table.
//
// A table is locked (ACCESS SHARE) before the first row is read and until the last one was: a
// TRUNCATE or a rewriting ALTER between them would show the snapshot an emptied table. Who shares a
// table takes the lock before it takes a piece, so the lock never has a gap.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "postgres/catalog.h"
#include "postgres/connection.h"
#include "snapshot/copy_rows.h"
#include "snapshot/copy_statement.h"
#include "snapshot/piece.h"
#include "snapshot/snapshot.h"

namespace freshet::snapshot {

// One thread.
class TableReader {
 public:
  struct Options {
    std::string application_name = "freshet";
    // Somebody's TRUNCATE or ALTER may be queued before us, behind others of us: give up in time.
    std::chrono::milliseconds lock_timeout{5'000};
    std::stop_token stop{};  // ends every wait
  };
  static Result<std::unique_ptr<TableReader>> connect(const std::string& url, Options options);

  int backend_pid() const;

  // Whether to wait for the lock. Behind a waiting ALTER nobody should, who has no need to.
  enum class Patience { Waits, WaitsNot };
  // Locks a table, and reads it again as it is under the snapshot. Some columns are to be held
  // wider than their types say. Transient errors: 55P03 when the lock was not to be had, 40001 when
  // the table was altered since the snapshot was taken.
  Result<postgres::CatalogTable> open(Snapshot& snapshot, TableId table, Patience patience,
                                      std::span<const WidenedColumn> widened = {});
  // The pieces of the open table.
  Result<std::vector<Piece>> cut(const CutOptions& options);
  // Copies a piece of it by binary COPY, columns without a binary form as text.
  Result<> copy(const Piece& piece, const RowSink& sink, CopyProgress& progress,
                std::stop_token stop);
  // When copy() failed at a value that its column cannot hold: what can.
  std::optional<WidenedColumn> widened() const { return widened_; }
  // The lock goes.
  Result<> close();

 private:
  TableReader(std::unique_ptr<postgres::Connection> connection, Options options)
      : connection_(std::move(connection)), options_(std::move(options)) {}
  Result<> lock(TableId table, Patience patience);
  Result<postgres::CatalogTable> open_locked(Snapshot& snapshot, TableId table, Patience patience,
                                             std::span<const WidenedColumn> widened);

  std::unique_ptr<postgres::Connection> connection_;
  Options options_;
  std::optional<postgres::CatalogTable> table_;  // open
  CopyColumns columns_;
  std::optional<WidenedColumn> widened_;
};

}  // namespace freshet::snapshot
