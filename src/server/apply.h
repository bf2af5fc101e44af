// The apply stage: stream to collections. The position commits together with the rows, so a restart
// repeats nothing.
//
// Tables join one by one: a table whose copy is finished is caught up from the stream to the
// position the others have reached (catch_up.h), and goes live there, so that a query over several
// tables sees one position whichever of them were copied first.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "collection/store.h"
#include "decode/decoder.h"
#include "model/change.h"
#include "server/altered_tables.h"
#include "server/board.h"
#include "server/catch_up.h"
#include "server/configured_collections.h"
#include "server/handover.h"
#include "server/requests.h"
#include "stream/stream.h"

namespace freshet::server {

// One thread, the only one that writes to the collections of its source.
class Apply {
 public:
  Apply(collection::Store& store, std::unique_ptr<collection::Writer> writer, SourceId source,
        AlteredTables altered_tables, ConfiguredCollections configured, stream::Stream& stream,
        stream::Retention retention, Handover& handover, Requests& requests, Board& board);

  Result<> run(std::stop_token stop);

 private:
  Result<> take_orders();
  Result<> take_requests();
  Result<> take_catalog_news();
  Result<> catch_up(std::stop_token stop);
  Result<> show_new_copies();
  Result<> attach(FinishedCopy finished);
  Result<> refresh_routes();
  bool nothing_to_follow() const;
  Result<bool> apply_waiting(std::stop_token stop);
  Result<> decode_part(const TransactionPart& part, const std::stop_token& stop);
  Result<> follow_altered(const decode::Altered& altered, const std::stop_token& stop);
  collection::TableRecord& altered_record(TableId id);
  Result<> learn_labels(const std::stop_token& stop);
  Result<> flush(bool more_follows, const std::stop_token& stop);
  Result<> apply_changes(bool more_follows);
  void skip_stopped(const std::vector<ChangeSet::Stopped>& stopped);
  Result<> settle_stopped();
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

  AlteredTables altered_tables_;
  ConfiguredCollections configured_;
  CatchUp catch_up_;
  decode::Decoder decoder_;
  std::unique_ptr<stream::Reader> reader_;
  Offset read_;        // where reader_ stands
  ChangeSet changes_;  // an entry per live table
  Applied applied_;
  Lsn seen_;  // applied_.lsn, or the idle position above it
  // Of the open engine transaction, which can have several pieces.
  std::uint64_t transactions_ = 0;
  std::vector<ChangeSet::Stopped> stopped_;
  std::map<TableId, collection::TableRecord> altered_;  // as they are from then on
  bool catching_up_ = false;                            // some table is behind the others
  bool more_to_catch_up_ = false;
  bool waiting_ = false;                    // some table waits for its copy
  bool tables_changed_ = false;             // since the configured collections were made
  bool stale_ = false;                      // queries see rows of before the source was begun anew
  std::chrono::milliseconds batch_took_{};  // the last one of the live tables
  bool more_to_tidy_ = false;
  std::chrono::steady_clock::time_point tidied_{};
  std::chrono::steady_clock::time_point retired_{};
};

}  // namespace freshet::server
