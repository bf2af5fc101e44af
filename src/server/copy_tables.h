// The copy stage: copies every table that waits, under one snapshot, several at a time, and hands
// the finished copies to apply. Goes on for as long as the source is followed, because tables can
// come to wait later: after a failure that passes, or when their shape has changed on the source.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <stop_token>
#include <vector>

#include "base/result.h"
#include "collection/store.h"
#include "server/board.h"
#include "server/config.h"
#include "server/handover.h"
#include "snapshot/snapshot.h"
#include "stream/stream.h"

namespace freshet::server {

// One thread, plus `workers` while it copies.
class CopyTables {
 public:
  struct Options {
    std::string url;
    std::string slot;  // temporary slots are named after it
    unsigned workers = 2;
    bool binary = true;  // what the stream was started with
  };
  CopyTables(Options options, collection::Store& store, SourceId source, stream::Stream& stream,
             Handover& handover, Board& board);

  // `first` is the main slot's own snapshot, on the very first start.
  Result<> run(std::unique_ptr<snapshot::Snapshot> first, std::stop_token stop);

 private:
  struct Job {
    postgres::CatalogTable table;
    std::shared_ptr<snapshot::CopyProgress> progress;
  };
  using Records = std::vector<collection::TableRecord>;

  Records due() const;
  Result<> copy_all(const Records& records, std::unique_ptr<snapshot::Snapshot> snapshot,
                    Offset replay_from, std::stop_token stop);
  Result<std::deque<Job>> plan(const Records& records, snapshot::Snapshot& snapshot);
  void work(Guarded<std::deque<Job>>& jobs, const snapshot::Snapshot& snapshot, Offset replay_from,
            std::stop_token stop);
  Result<> copy_one(const Job& job, const snapshot::Snapshot& snapshot, Offset replay_from,
                    std::stop_token stop);
  void set_copying(TableId table);
  void failed(const TableSchema& schema, Error error);
  void set_phase(const Records& records, const std::string& phase);
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
