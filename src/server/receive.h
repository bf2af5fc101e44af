// The receive stage: Postgres to stream. Postgres may forget a commit only once it is on our disk.
//
// It rests when there is no room (server/room.h): nothing is taken from the connection, which stays
// and is kept alive.
#pragma once

#include <chrono>
#include <stop_token>

#include "base/result.h"
#include "server/board.h"
#include "server/handover.h"
#include "server/resent.h"
#include "server/room.h"
#include "source/replication.h"
#include "stream/stream.h"

namespace freshet::server {

// One thread.
class Receive {
 public:
  // `resent`: what of the transactions that come is in the stream already.
  Receive(source::Replication& replication, stream::Stream& stream, Resent resent, Room room,
          Handover& handover, Board& board);

  // Until asked to stop or the connection fails. What was received whole is durable on return.
  Result<> run(std::stop_token stop);

 private:
  Result<> keep(const TransactionPart& part);
  Result<> keep_idle_position();
  Result<> sync_and_confirm();
  Result<> check_silence() const;
  Result<std::optional<Shortage>> shortage();
  void wish_for_a_look();
  Result<> rest(const Shortage& first, std::stop_token stop);
  Result<> check_source_is_there(std::chrono::steady_clock::time_point since) const;

  source::Replication& replication_;
  stream::Stream& stream_;
  Resent resent_;
  Room room_;
  Handover& handover_;
  Board& board_;
  Progress progress_;
  Lsn idle_;  // the last keepalive's
  std::chrono::steady_clock::time_point idle_kept_{};
  bool inside_transaction_ = false;  // one that the stream has in part
  bool ddl_told_ = false;            // and the catalog's watch does not know yet
};

}  // namespace freshet::server
