// Listens for HTTP: health for load balancers, metrics for Prometheus, a page for people.
//
// One thread serves all connections, so no answer of its own may wait for anything: they come from
// memory. Statements (statements.h) are run by a few others. Connections, statements, request sizes
// and times are bounded; who exceeds them is told or hung up on.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "base/result.h"
#include "query/commands.h"
#include "query/status.h"

namespace freshet::http {

struct ServerOptions {
  std::string address = "127.0.0.1";
  int port = 8080;            // 0: a free one
  std::string sql_address{};  // as people copy it: postgresql://127.0.0.1:5433/freshet
  std::string version{};
  int connections_max = 256;
  std::size_t header_bytes_max = 8 << 10;
  std::size_t body_bytes_max = 256 << 10;  // a transformation of 1,600 columns, the most there are
  int statements_max = 4;                  // that run at once
  std::size_t statements_waiting_max = 16;
  std::chrono::milliseconds idle_timeout{60'000};     // between requests
  std::chrono::milliseconds request_timeout{10'000};  // to send one, or to take an answer
};

class Server {
 public:
  // Fails with 58030 when the address is taken. What it is given outlives the server.
  static Result<std::unique_ptr<Server>> start(ServerOptions options, const query::Status& status,
                                               query::Commands& commands);
  ~Server();  // stops

  int port() const;
  int connections() const;
  // Stops the statements that run and tells their clients (57P01), hangs up on everybody and
  // returns when that is done.
  void stop();

  struct State;

 private:
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace freshet::http
