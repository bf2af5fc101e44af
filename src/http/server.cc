#include "http/server.h"

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <optional>
#include <thread>
#include <utility>

#include "base/thread.h"
#include "http/routes.h"
#include "observe/log.h"
#include "observe/metrics.h"

namespace freshet::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using boost::system::error_code;
using BeastResponse = beast::http::response<beast::http::string_body>;

// What all connections share.
struct Context {
  ServerOptions options;
  const query::Status& status;
  std::atomic<int> connections{0};
};

observe::Counter& requests() {
  static observe::Counter& counter =
      observe::counter("freshet_http_requests_total", "HTTP requests answered.");
  return counter;
}

std::string_view view(boost::string_view text) {
  return {text.data(), text.size()};
}

// One client. Lives as long as one of its reads or writes is under way.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket socket, Context& context) : stream_(std::move(socket)), context_(context) {
    ++context_.connections;
  }
  ~Connection() { --context_.connections; }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // A request that has not begun may take its time; once its first bytes are here it may not.
  void wait_for_request() {
    if (buffer_.size() > 0) return read_request();
    stream_.expires_after(context_.options.idle_timeout);
    stream_.async_read_some(buffer_.prepare(read_bytes),
                            [self = shared_from_this()](error_code failed, std::size_t bytes) {
                              self->buffer_.commit(bytes);
                              if (!failed) self->read_request();
                            });
  }

  // For the client beyond the limit.
  void refuse() {
    write(error_response(503, "too many connections", "Try again later."),
          {.head = false, .keep_alive = false, .version = 11});
  }

 private:
  static constexpr std::size_t read_bytes = 4096;

  struct Manner {
    bool head;
    bool keep_alive;
    unsigned version;
  };

  void read_request() {
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(context_.options.header_bytes_max));
    parser_->body_limit(context_.options.body_bytes_max);
    stream_.expires_after(context_.options.request_timeout);
    beast::http::async_read(stream_, buffer_, *parser_,
                            [self = shared_from_this()](error_code failed, std::size_t) {
                              failed ? self->answer_bad_request(failed) : self->answer();
                            });
  }

  void answer() {
    const auto& request = parser_->get();
    const Request asked{.method = view(request.method_string()),
                        .target = view(request.target()),
                        .accept = view(request[beast::http::field::accept])};
    const About about{context_.options.sql_address, context_.options.version};
    write(respond(asked, about, context_.status),
          {.head = request.method() == beast::http::verb::head,
           .keep_alive = request.keep_alive(),
           .version = request.version()});
  }

  void answer_bad_request(error_code failed) {
    const Manner last{.head = false, .keep_alive = false, .version = 11};
    if (failed == beast::http::error::header_limit) {
      write(error_response(431, "the header of the request is too large", "Send fewer headers."),
            last);
    } else if (failed == beast::http::error::body_limit) {
      write(error_response(413, "the body of the request is too large", "Send no body."), last);
    } else if (failed.category() == beast::http::make_error_code(beast::http::error{}).category() &&
               failed != beast::http::error::end_of_stream &&
               failed != beast::http::error::partial_message) {
      write(error_response(400, "not an HTTP request: " + failed.message(),
                           "Is this the right port? SQL has its own."),
            last);
    }
    // Else the client is gone or was too slow: nobody is listening.
  }

  void write(Response response, Manner manner) {
    requests().add();
    response_ = BeastResponse(static_cast<beast::http::status>(response.status), manner.version);
    response_.set(beast::http::field::content_type, response.content_type);
    response_.set(beast::http::field::cache_control, "no-store");
    response_.set("X-Content-Type-Options", "nosniff");
    if (!response.allow.empty()) response_.set(beast::http::field::allow, response.allow);
    response_.content_length(response.body.size());
    response_.keep_alive(manner.keep_alive);
    if (!manner.head) response_.body() = std::move(response.body);
    stream_.expires_after(context_.options.request_timeout);
    beast::http::async_write(stream_, response_,
                             [self = shared_from_this(), manner](error_code failed, std::size_t) {
                               if (failed) return;
                               if (manner.keep_alive) return self->wait_for_request();
                               error_code ignored;
                               self->stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
                             });
  }

  beast::tcp_stream stream_;
  Context& context_;
  beast::flat_buffer buffer_;
  std::optional<beast::http::request_parser<beast::http::string_body>> parser_;
  BeastResponse response_;
};

Error listen_error(const ServerOptions& options, error_code failed) {
  return {.sqlstate = "58030",
          .message = "listen for HTTP on " + options.address + ":" + std::to_string(options.port) +
                     ": " + failed.message(),
          .hint = "Choose another port with --http-port; 0 takes a free one."};
}

}  // namespace

struct Server::State {
  State(ServerOptions options, const query::Status& status) : context{std::move(options), status} {
    io.emplace(1);
    acceptor.emplace(*io);
    pause.emplace(*io);
  }

  Result<> listen();
  void accept();

  Context context;  // outlives the connections, which `io` holds
  std::optional<asio::io_context> io;
  std::optional<tcp::acceptor> acceptor;
  std::optional<asio::steady_timer> pause;
  int port = 0;
  std::jthread thread;
};

Result<> Server::State::listen() {
  error_code failed;
  const auto address = asio::ip::make_address(context.options.address, failed);
  if (failed) return listen_error(context.options, failed);
  const tcp::endpoint endpoint(address, static_cast<std::uint16_t>(context.options.port));
  acceptor->open(endpoint.protocol(), failed);
  if (!failed) acceptor->set_option(tcp::acceptor::reuse_address(true), failed);
  if (!failed) acceptor->bind(endpoint, failed);
  if (!failed) acceptor->listen(tcp::acceptor::max_listen_connections, failed);
  if (!failed) port = acceptor->local_endpoint(failed).port();
  if (failed) return listen_error(context.options, failed);
  return {};
}

void Server::State::accept() {
  acceptor->async_accept([this](error_code failed, tcp::socket socket) {
    if (failed == asio::error::operation_aborted) return;
    if (failed) {
      // Out of file descriptors, for one: they come back, but not within this instant.
      observe::warn("http connection not accepted", {{"reason", failed.message()}});
      pause->expires_after(std::chrono::milliseconds(100));
      pause->async_wait([this](error_code stopped) {
        if (!stopped) accept();
      });
      return;
    }
    const bool full = context.connections >= context.options.connections_max;
    const auto connection = std::make_shared<Connection>(std::move(socket), context);
    full ? connection->refuse() : connection->wait_for_request();
    accept();
  });
}

Result<std::unique_ptr<Server>> Server::start(ServerOptions options, const query::Status& status) {
  auto state = std::make_unique<State>(std::move(options), status);
  TRY(state->listen());
  state->accept();
  state->thread = std::jthread([&io = *state->io] {
    name_this_thread("http");
    io.run();
  });
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}
Server::~Server() {
  stop();
}

int Server::port() const {
  return state_->port;
}
int Server::connections() const {
  return state_->context.connections;
}

void Server::stop() {
  if (!state_->io) return;
  state_->io->stop();
  state_->thread.join();
  state_->pause.reset();
  state_->acceptor.reset();
  state_->io.reset();  // and with it the connections
}

}  // namespace freshet::http
