// The apply stage: stream to collections. The position commits together with the rows, so a restart
// repeats nothing.
//
// Tables join one by one: a table whose copy is finished is caught up from the stream to the
// position the others have reached (catch_up.h), and goes live there, so that a query over several
// tables sees one position whichever of them were copied first.
#pragma once

#include <chrono>
#include <memory>
#include <stop_token>
#include <vector>

#include "base/result.h"
#include "collection/store.h"
#include "decode/decoder.h"
#include "model/change.h"
#include "server/board.h"
#include "server/catch_up.h"
#include "server/handover.h"
#include "server/requests.h"
#include "stream/stream.h"

namespace freshet::server {

// One thread, the only one that writes to the collections of its source.
class Apply {
 public:
  Apply(collection::Store& store, std::unique_ptr<collection::Writer> writer, SourceId source,
        stream::Stream& stream, stream::Retention retention, Handover& handover, Requests& requests,
        Board& board);

  Result<> run(std::stop_token stop);

 private:
  Result<> take_orders();
  Result<> take_requests();
  Result<> catch_up(std::stop_token stop);
  Result<> show_new_copies();
  Result<> attach(FinishedCopy finished);
  Result<> refresh_routes();
  bool nothing_to_follow() const;
  Result<bool> apply_waiting(std::stop_token stop);
  Result<> flush(bool more_follows);
  Result<> drop_stopped();
  Result<> record_stopped(const std::vector<ChangeSet::Stopped>& stopped);
  void note_lag();
  void follow_idle();
  Result<> look_after(bool busy);

  collection::Store& store_;
  std::unique_ptr<collection::Writer> writer_;
  SourceId source_;
  stream::Stream& stream_;
  const stream::Retention retention_;
  Handover& handover_;
  Requests& requests_;
  Board& board_;

  CatchUp catch_up_;
  decode::Decoder decoder_;
  std::unique_ptr<stream::Reader> reader_;
  Offset read_;        // where reader_ stands
  ChangeSet changes_;  // an entry per live table
  Applied applied_;
  Lsn seen_;                         // applied_.lsn, or the idle position above it
  bool inside_transaction_ = false;  // an engine transaction is open for a large one
  bool catching_up_ = false;         // some table is behind the others
  bool more_to_catch_up_ = false;
  bool waiting_ = false;                    // some table waits for its copy
  bool stale_ = false;                      // queries see rows of before the source was begun anew
  std::chrono::milliseconds batch_took_{};  // the last one of the live tables
  bool more_to_tidy_ = false;
  std::chrono::steady_clock::time_point tidied_{};
  std::chrono::steady_clock::time_point retired_{};
};

}  // namespace freshet::server
