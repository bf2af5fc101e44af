#include "http/server.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <optional>
#include <thread>
#include <utility>

#include "base/thread.h"
#include "http/connection.h"
#include "http/statement_runner.h"
#include "observe/log.h"

namespace freshet::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

Error listen_error(const ServerOptions& options, error_code failed) {
  return {.sqlstate = "58030",
          .message = "listen for HTTP on " + options.address + ":" + std::to_string(options.port) +
                     ": " + failed.message(),
          .hint = "Choose another port with --http-port; 0 takes a free one."};
}

}  // namespace

struct Server::State {
  State(ServerOptions options, const query::Status& status, query::Commands& commands)
      : runner(
            status, commands,
            {.at_once_max = options.statements_max, .waiting_max = options.statements_waiting_max}),
        context{std::move(options), status, runner} {
    io.emplace(1);
    acceptor.emplace(*io);
    pause.emplace(*io);
  }

  Result<> listen();
  void accept();

  StatementRunner runner;
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

Result<std::unique_ptr<Server>> Server::start(ServerOptions options, const query::Status& status,
                                              query::Commands& commands) {
  auto state = std::make_unique<State>(std::move(options), status, commands);
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
  state_->runner.stop();
  // Behind the answers of the statements that this cut off: they are small enough to be in the
  // sockets once their turn has come.
  asio::post(*state_->io, [&io = *state_->io] { io.stop(); });
  if (state_->thread.joinable()) state_->thread.join();
  state_->pause.reset();
  state_->acceptor.reset();
  state_->io.reset();  // and with it the connections
}

}  // namespace freshet::http
