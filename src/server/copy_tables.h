// The copy stage: copies every table that waits, under one snapshot, by several workers at a time
// (copy_queue.h), and hands the finished copies to apply. Goes on for as long as the source is
// followed, because tables can come to wait later: after a failure that passes, or when their shape
// has changed on the source.
//
// Connections to the source while it copies: one for each worker, one that holds the snapshot, one
// that sees the present.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <vector>

#include "base/result.h"
#include "collection/store.h"
#include "server/board.h"
#include "server/config.h"
#include "server/copy_queue.h"
#include "server/handover.h"
#include "snapshot/snapshot.h"
#include "snapshot/table_reader.h"
#include "source/slot.h"
#include "stream/stream.h"

namespace freshet::server {

// One thread, plus `workers` while it copies.
class CopyTables {
 public:
  struct Options {
    std::string url;
    source::Names names;  // temporary slots are named after the slot
    int server_version = 0;
    postgres::Plugin plugin = postgres::Plugin::Pgoutput;
    unsigned workers = 2;
    bool binary = true;  // what the stream was started with
  };
  CopyTables(Options options, collection::Store& store, SourceId source, stream::Stream& stream,
             Handover& handover, Board& board);

  // `first` is the main slot's own snapshot, on the very first start.
  Result<> run(std::unique_ptr<snapshot::Snapshot> first, std::stop_token stop);

 private:
  using Records = std::vector<collection::TableRecord>;
  // The copying of some tables under one snapshot.
  struct Round {
    Round(snapshot::Snapshot& its_snapshot, Offset from, std::vector<std::unique_ptr<CopyJob>> jobs,
          std::stop_token its_stop)
        : snapshot(its_snapshot),
          replay_from(from),
          queue(std::move(jobs)),
          stop(std::move(its_stop)) {}
    snapshot::Snapshot& snapshot;
    const Offset replay_from;
    CopyQueue queue;
    const std::stop_token stop;
    Guarded<std::optional<Error>> failure;  // of the stage, not of a table
  };

  Records due() const;
  Result<std::unique_ptr<snapshot::Snapshot>> new_snapshot(const Records& records,
                                                           std::stop_token stop);
  Result<> remind_of(const Records& records, std::stop_token stop);
  Result<> copy_all(const Records& records, snapshot::Snapshot& snapshot, Offset replay_from,
                    std::stop_token stop);
  std::vector<std::unique_ptr<CopyJob>> plan(const Records& records, snapshot::Snapshot& snapshot);
  void work(Round& round);
  Result<> copy_some(const CopyQueue::Task& task, Round& round,
                     std::unique_ptr<snapshot::TableReader>& reader);
  unsigned loaders_per_worker() const;
  Result<> open(CopyJob& job, Round& round, snapshot::TableReader& reader);
  bool try_later(CopyJob& job, Round& round, const Result<>& outcome);
  void leave(CopyJob& job, Round& round, Result<> outcome);
  void hand_over(CopyJob& job, Round& round);
  void look_after(Round& round);
  std::set<TableId> known_tables() const;
  void widen(const CopyJob& job, const WidenedColumn& column, const Error& why);
  void failed(const TableSchema& schema, Error error);
  void set_phase(const Records& records, const std::string& phase);
  void set_phase(const TableSchema& schema, const std::string& phase);
  void wait_until_taken(std::stop_token stop);

  Options options_;
  collection::Store& store_;
  SourceId source_;
  stream::Stream& stream_;
  Handover& handover_;
  Board& board_;

  struct Retry {
    std::chrono::steady_clock::time_point at;
    std::chrono::milliseconds delay;
  };
  Guarded<std::map<TableId, Retry>> retries_;  // tables that failed and may pass next time
};

}  // namespace freshet::server
