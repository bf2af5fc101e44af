// Listens for PostgreSQL clients: psql, libpq, JDBC, everything that speaks protocol 3.0.
//
// One thread per connection, bounded; one more accepts, and notices clients that leave while their
// statement runs.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "query/session.h"
#include "query/status.h"

namespace freshet::pgwire {

struct ServerOptions {
  std::string address = "127.0.0.1";
  int port = 5433;  // 0: a free one
  int connections_max = 100;
};

class Server {
 public:
  // Registers the system relations and listens. 58030 when the address is taken. What it is given
  // outlives the server.
  static Result<std::unique_ptr<Server>> start(ServerOptions options, collection::Store& store,
                                               const query::Status& status,
                                               query::Commands& commands);
  ~Server();  // stops

  int port() const;
  int connections() const;
  // Cancels what runs, tells the clients (57P01), and waits until all are gone.
  void stop();

  struct State;

 private:
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace freshet::pgwire
