// The supervisor of one source: keeps its pipeline running. What passes is tried again with growing
// pauses; what does not pass stops this source alone, shows its reason, and leaves its data
// readable.
#pragma once

#include <memory>
#include <thread>

#include "collection/store.h"
#include "server/board.h"
#include "server/config.h"
#include "server/requests.h"
#include "source/lease.h"

namespace freshet::server {

class Supervisor {
 public:
  Supervisor(SourceConfig source, const Config& config, collection::Store& store);
  ~Supervisor();  // stops the pipeline and waits for it
  void start();   // once

  const SourceConfig& source() const { return source_; }
  Board& board() { return board_; }
  const Board& board() const { return board_; }
  Requests& requests() { return requests_; }

 private:
  void run(std::stop_token stop);
  // True when the pipeline is to be started again.
  bool handle(const Error& error);
  void answer_requests(std::chrono::milliseconds limit, std::stop_token stop);
  Result<Notes> alter(const query::AlterCollection& asked);

  const SourceConfig source_;
  const source::Owner owner_;
  const Config& config_;
  collection::Store& store_;
  Board board_;
  Requests requests_;
  std::jthread thread_;  // not running before start(); last: destroyed first
};

}  // namespace freshet::server
