// The supervisor of one source: keeps its pipeline running. What passes is tried again with growing
// pauses; what does not pass stops this source alone, shows its reason, and leaves its data
// readable. A source can be begun anew: when somebody says so, or by itself where that is
// configured and the source does not continue what we have.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
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
  // What a client asks of the source; see query::Commands. Any thread.
  Result<Notes> ask(query::Command command, std::stop_token stop);

 private:
  using Clock = std::chrono::steady_clock;

  void run(std::stop_token stop);
  Result<> run_once(const std::stop_token& stop);
  // How long to wait until the pipeline is started again; nothing: until somebody says so.
  std::optional<std::chrono::milliseconds> handle(const Error& error);
  std::optional<std::chrono::milliseconds> pause_after(const Error& error, std::string& what_now);
  std::chrono::milliseconds next_pause();
  void answer_requests(std::optional<std::chrono::milliseconds> limit, std::stop_token stop);
  bool answer_resyncs();
  Result<> begin_anew();
  Result<Notes> alter(const query::Command& asked);

  const SourceConfig source_;
  const source::Owner owner_;
  const Config& config_;
  collection::Store& store_;
  Board board_;
  Requests requests_;
  Guarded<std::stop_source> running_;  // of the pipeline
  std::chrono::milliseconds pause_;
  bool resync_due_ = false;                    // the next start begins anew
  std::optional<Clock::time_point> resynced_;  // when it last did so by itself
  std::jthread thread_;                        // not running before start(); last: destroyed first
};

}  // namespace freshet::server
