// Follows one replication slot: START_REPLICATION, the transactions that come, and the answers that
// keep the server patient and let it forget.
//
// Messages become transactions in assembler.h.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "model/position.h"
#include "postgres/connection.h"
#include "postgres/plugin.h"
#include "source/assembler.h"

namespace freshet::source {

struct ReplicationOptions {
  std::string slot{};
  postgres::Plugin plugin = postgres::Plugin::Pgoutput;  // that the slot was made with
  // Of pgoutput, as publication_names takes them: quoted, comma-separated.
  std::string publications{};
  bool binary = true;  // 14+; every mirrored column has a binary form we know
  // Where to start on servers before 9.6, which do not say where the slot stands.
  Lsn known_end{};
  std::uint64_t part_bytes_max = 1
                                 << 20;  // a transaction is handed over in parts of about this size
  std::chrono::milliseconds status_interval{1000};
  std::string application_name = "freshet";
  std::stop_token stop{};  // ends connecting
  // From 14 on, large transactions are sent to us before they commit, and wait in the spool's
  // folder. Otherwise, or without a folder, the server keeps them on its own disk and sends them
  // afterwards. Lines of test_decoding always wait in that folder, which is needed for them.
  bool streaming = true;
  SpoolOptions spool{};
};

// The statement that says where a slot stands, or "" where none does.
std::string slot_position_sql(const std::string& slot, int server_version);

// START_REPLICATION as this server takes it. `streaming`: of transactions that have not committed.
std::string start_command(const ReplicationOptions& options, Lsn start, int server_version,
                          bool streaming);

// One thread. A thread of its own tells the server that we are alive while that one is busy
// elsewhere, with a slow disk for example.
class Replication {
 public:
  // Starts at the slot's own position, which may lie before what was received already: whether
  // that continues what we have, others ask (continuity.h).
  static Result<std::unique_ptr<Replication>> start(const std::string& url,
                                                    ReplicationOptions options);
  ~Replication();

  // How long nothing has come from the server, which is asked for a sign of life every
  // status_interval, but for the time in the middle of a transaction.
  std::chrono::milliseconds silent_for() const;
  // The slot's position at the start: what commits there or later is sent.
  Lsn from() const;
  // The next part or keepalive; neither when nothing came within `wait`. Answers keepalives, sends
  // a status at least every status_interval, and asks for the server's position while idle.
  Result<Received> next(std::stop_token stop, std::chrono::milliseconds wait);
  // Instead of next(), for a reader that has no room for more: answers what is asked, and leaves
  // every change where it is.
  Result<> answer();
  // True when another message of what will be handed over soon can be had without waiting: syncing
  // can be put off.
  bool has_more() const;
  // The connection ended because the server could not send a transaction in progress. It may be
  // able to send it after its commit: start again without streaming.
  bool streaming_failed() const;
  // Kept on our disk and in memory of transactions that have not committed.
  std::uint64_t spooled_bytes() const;

  // Everything received so far up to `lsn` (an end LSN or idle_at) is durable here: the server may
  // forget it. Never goes back. Sent at the next opportunity, at once when it was asked for.
  Result<> confirm(Lsn lsn);
  // Ends the replication politely, with a last confirmation.
  void stop();

  struct State;

 private:
  explicit Replication(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace freshet::source
