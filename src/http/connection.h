// One HTTP client: reads requests, writes answers, hands statements over. All of it happens on the
// thread that runs the server's io_context.
#pragma once

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <memory>
#include <optional>
#include <stop_token>

#include "http/routes.h"
#include "http/server.h"
#include "http/statement_runner.h"
#include "query/status.h"

namespace freshet::http {

// What all connections share.
struct Context {
  ServerOptions options;
  const query::Status& status;
  StatementRunner& runner;
  std::atomic<int> connections{0};
};

// Lives as long as one of its reads or writes is under way, or its statement.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(boost::asio::ip::tcp::socket socket, Context& context);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // A request that has not begun may take its time; once its first bytes are here it may not.
  void wait_for_request();
  // For the client beyond the limit.
  void refuse();

 private:
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;

  // How the answer is to be sent.
  struct Manner {
    bool head = false;
    bool keep_alive = false;
    bool linger = false;  // the request was not read to its end
    unsigned version = 11;
  };

  void read_request();
  void ask_for_body();
  void read_body();
  void answer();
  void answer_bad_request(boost::system::error_code failed);
  void begin_statement(const Request& asked, Manner manner);
  void end_statement(Response response, Manner manner);
  void watch_for_leaving();
  void write(Response response, Manner manner);
  void hang_up(bool linger);
  void drain(std::size_t bytes_left);

  boost::beast::tcp_stream stream_;
  Context& context_;
  boost::beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  std::optional<std::stop_source> statement_;  // that runs
  boost::beast::http::response<boost::beast::http::string_body> response_;
};

}  // namespace freshet::http
