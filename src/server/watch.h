// The watch: asks the source once a second for its clock, the end of its WAL and what our slot
// holds back, so that lag and its cause can be told. That also keeps the lease on the source. The
// path of the data never waits for it.
#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "postgres/connection.h"
#include "server/board.h"
#include "server/wal_rate.h"
#include "source/lease.h"

namespace freshet::server {

// One thread. Without answers the numbers are just old, and receive says why; it fails only when
// somebody else has got the lease meanwhile.
class Watch {
 public:
  // `connection`: the one that holds the lease.
  Watch(std::string url, source::Names names, const source::Owner& owner,
        std::unique_ptr<postgres::Connection> connection, Board& board);
  Result<> run(std::stop_token stop);

 private:
  Result<> ask(postgres::Connection& connection);

  Result<> connect(std::stop_token stop);
  void warn_of_loss(const source::SlotStatus& slot);

  std::string url_;
  source::Names names_;
  const source::Owner& owner_;
  std::unique_ptr<postgres::Connection> connection_;
  Board& board_;
  WalRate wal_rate_;
  bool endangered_ = false;  // the slot
};

}  // namespace freshet::server
