// What a Connection holds, for the files that implement it.
#pragma once

#include <libpq-fe.h>

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "postgres/connection.h"
#include "postgres/connection_wait.h"

namespace freshet::postgres {

struct FreeMemory {
  void operator()(char* memory) const { PQfreemem(memory); }
};

// The rows of a statement, or its error.
Result<Rows> rows_of(const PGconn* connection, const PGresult* result);

struct Connection::Handle {
  std::unique_ptr<PGconn, decltype(&PQfinish)> connection{nullptr, &PQfinish};
  SocketWait socket_wait;
  std::unique_ptr<char, FreeMemory> payload;  // what read_copy returned last
  mutable std::chrono::steady_clock::time_point heard_at = std::chrono::steady_clock::now();
  std::optional<std::chrono::milliseconds> answers_within;  // of limit_answers()
  std::stop_token answers_stop;                             // the same

  PGconn* get() const { return connection.get(); }
  // One wait for input, then takes in what came.
  Result<SocketWait::Woken> wait_for_input(const std::stop_token& stop,
                                           std::chrono::milliseconds limit) const;
  // The next payload of a COPY: its size, 0 when none is there yet, -1 at the end.
  Result<int> take_payload();
  // Reads the results after a COPY, up to the last; the first error among them.
  Result<> start_copy_out(const std::string& sql, std::stop_token stop) const;
  Result<> finish_copy() const;
  // Asks the server to stop the statement. One that comes before the statement itself was read is
  // for nobody: to be asked again after cancel_interval.
  void cancel() const;
  static constexpr std::chrono::milliseconds cancel_interval{100};
  Result<Rows> query_within_limit(const std::string& sql) const;
};

}  // namespace freshet::postgres
