// One client, from its start-up packet to its end: the state machine of protocol 3.0.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "pgwire/messages.h"
#include "pgwire/outbox.h"
#include "pgwire/socket.h"
#include "pgwire/time_zone.h"
#include "query/session.h"

namespace freshet::pgwire {

class RowSink;

// What a connection needs of its server.
struct Host {
  collection::Store& store;
  const query::Status& status;
  query::Commands& commands;
  std::function<bool()> admit;  // takes a place among the sessions; false when all are taken
  std::function<void()> leave;  // gives the place back
  std::function<void(const CancelRequest&)> cancel;
};

// run() belongs to the connection's thread; cancel() and terminate() may come from any.
class Connection {
 public:
  Connection(int descriptor, int stop_descriptor, std::int32_t process_id, std::int32_t secret,
             const Host& host);
  ~Connection();

  void run();
  void cancel();     // stops the statement that runs, if one does
  void terminate();  // the same, because the server stops; the client is told
  std::int32_t secret() const { return secret_; }
  int descriptor() const { return socket_.descriptor(); }

 private:
  // A portal as the client sees it: which format each column is wanted in.
  struct PortalFormats {
    Formats results;
    std::shared_ptr<const query::StatementDescription> description{};  // once it was needed
  };

  Result<bool> start();
  Result<bool> start_session(const Startup& startup);
  Result<> greet();
  Result<> serve();
  Result<> handle(Message& message);

  Result<> simple_query(const SimpleQuery& message);
  Result<> simple_statement(const std::string& sql);
  Result<> parse(Parse& message);
  Result<> bind(Bind& message);
  Result<> describe(const Describe& message);
  Result<> execute(const Execute& message);
  Result<> close(const CloseMessage& message);
  Result<> sync();

  Result<> run_portal(const std::string& portal, std::uint64_t rows_max,
                      const query::StatementDescription& description, const Formats& formats);
  Result<> after_error(const Error& error);
  void ready();
  Result<> flush();
  Result<Bytes> read_exactly(std::size_t size, std::optional<std::chrono::milliseconds> limit);

  Socket socket_;
  const std::int32_t process_id_;
  const std::int32_t secret_;
  const Host& host_;
  Outbox outbox_;
  std::vector<std::byte> inbox_;  // bytes received and not yet used: [inbox_at_, inbox_end_)
  std::size_t inbox_at_ = 0;
  std::size_t inbox_end_ = 0;
  bool admitted_ = false;
  bool skipping_ = false;  // after an error, until Sync
  bool done_ = false;      // Terminate
  std::unique_ptr<query::Session> session_;
  Guarded<query::Session*> cancellable_;  // session_, for other threads
  std::map<std::string, PortalFormats> portals_;
  std::shared_ptr<const TimeZone> zone_;
  std::string zone_name_;
};

}  // namespace freshet::pgwire
