#include "pgwire/server.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "base/guarded.h"
#include "base/thread.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "pgwire/connection.h"
#include "query/relations.h"

namespace freshet::pgwire {
namespace {

// Connections beyond the sessions: those starting up, and those that come to cancel.
constexpr int extra_connections = 20;
constexpr int backlog = 128;
constexpr std::chrono::milliseconds cancel_interval{20};

Error socket_error(const std::string& what) {
  return {.sqlstate = "58030", .message = what + ": " + std::strerror(errno)};
}

// A descriptor that is closed with its owner.
class Descriptor {
 public:
  explicit Descriptor(int descriptor) : descriptor_(descriptor) {}
  Descriptor(Descriptor&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~Descriptor() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

Result<Descriptor> listen_on(const ServerOptions& options) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(options.port);
  const std::string where = options.address + ":" + port;
  if (const int failure = ::getaddrinfo(options.address.c_str(), port.c_str(), &hints, &found)) {
    return Error{.sqlstate = "58030",
                 .message = "listen on " + where + ": " + ::gai_strerror(failure),
                 .hint = "Give the address as numbers, such as 127.0.0.1."};
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> address(found, &::freeaddrinfo);
  Descriptor descriptor(
      ::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (descriptor.get() < 0) return socket_error("open socket");
  const int on = 1;
  ::setsockopt(descriptor.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(descriptor.get(), address->ai_addr, address->ai_addrlen) != 0 ||
      ::listen(descriptor.get(), backlog) != 0) {
    Error error = socket_error("listen on " + where);
    error.hint = "Choose another port; 0 picks a free one.";
    return error;
  }
  return descriptor;
}

int port_of(int descriptor) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  if (address.ss_family == AF_INET6)
    return ntohs(reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port);
  return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

}  // namespace

struct Server::State {
  State(ServerOptions server_options, collection::Store& store, const query::Status& status,
        query::Commands& commands)
      : options(std::move(server_options)),
        host{store,
             status,
             commands,
             [this] { return admit(); },
             [this] { leave(); },
             [this](const CancelRequest& request) { cancel(request); }} {}

  // A connection and the thread that runs it.
  struct Slot {
    std::shared_ptr<Connection> connection;
    std::jthread thread;
    bool done = false;
  };
  using Slots = std::map<std::int32_t, Slot>;  // by process id

  void accept_clients();
  void accept_one();
  void reap();
  bool admit();
  void leave() { --sessions; }
  void cancel(const CancelRequest& request);
  void hurry_leavers();

  ServerOptions options;
  Host host;
  Descriptor listener{-1};
  Descriptor stop{-1};     // readable for good once the server stops
  Descriptor wake{-1};     // readable when a connection has ended
  Descriptor leaving{-1};  // epoll: tells of clients that hung up
  std::atomic<int> sessions{0};
  std::int32_t next_process_id = 1'000;
  std::set<std::int32_t> leavers;  // hung up, but their threads are not done
  std::random_device random;
  Guarded<Slots> slots;
  std::jthread acceptor;  // last: destroyed first
};

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}
Server::~Server() {
  stop();
}

Result<std::unique_ptr<Server>> Server::start(ServerOptions options, collection::Store& store,
                                              const query::Status& status,
                                              query::Commands& commands) {
  TRY(query::register_system_relations(store, status));
  auto state = std::make_unique<State>(std::move(options), store, status, commands);
  state->listener = TRY(listen_on(state->options));
  state->stop = Descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  state->wake = Descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  state->leaving = Descriptor(::epoll_create1(EPOLL_CLOEXEC));
  if (state->stop.get() < 0 || state->wake.get() < 0 || state->leaving.get() < 0)
    return socket_error("open eventfd");
  State& running = *state;
  running.acceptor = std::jthread([&running] { running.accept_clients(); });
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

int Server::port() const {
  return port_of(state_->listener.get());
}
int Server::connections() const {
  return state_->sessions;
}

void Server::stop() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t told = ::write(state_->stop.get(), &one, sizeof one);
  if (state_->acceptor.joinable()) state_->acceptor.join();
  // A client may send its next statement before it sees the end: whatever runs is stopped until all
  // threads are done.
  const auto all_done = [](const State::Slots& slots) {
    return std::ranges::all_of(slots, [](const auto& entry) { return entry.second.done; });
  };
  do {
    state_->slots.with([](State::Slots& slots) {
      for (auto& [process_id, slot] : slots) slot.connection->terminate();
    });
  } while (!state_->slots.wait_for({}, cancel_interval, all_done));
  State::Slots ended;
  state_->slots.with([&](State::Slots& slots) { ended = std::move(slots); });
}

void Server::State::accept_clients() {
  name_this_thread("sql accept");
  for (;;) {
    pollfd watched[4] = {{listener.get(), POLLIN, 0},
                         {stop.get(), POLLIN, 0},
                         {wake.get(), POLLIN, 0},
                         {leaving.get(), POLLIN, 0}};
    const int patience = leavers.empty() ? -1 : static_cast<int>(cancel_interval.count());
    if (::poll(watched, 4, patience) < 0 && errno != EINTR) {
      observe::error("could not wait for clients", {{"reason", std::strerror(errno)}});
      return;
    }
    if (watched[1].revents != 0) return;
    if (watched[2].revents != 0) reap();
    if (watched[3].revents != 0) {
      epoll_event event{};
      while (::epoll_wait(leaving.get(), &event, 1, 0) > 0)
        leavers.insert(static_cast<std::int32_t>(event.data.u32));
    }
    hurry_leavers();
    if (watched[0].revents != 0) accept_one();
  }
}

void Server::State::accept_one() {
  const int descriptor = ::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC);
  if (descriptor < 0) return;  // the client has gone already
  const std::int32_t process_id = next_process_id++;
  const auto secret = static_cast<std::int32_t>(random());
  const bool full = slots.with([&](const Slots& now) {
    return static_cast<int>(now.size()) >= options.connections_max + extra_connections;
  });
  if (full) {
    Outbox refusal;
    refusal.error({.sqlstate = "53300", .message = "sorry, too many clients already"}, "FATAL");
    [[maybe_unused]] const ssize_t sent = ::send(
        descriptor, refusal.buffer().data(), refusal.buffer().size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    ::close(descriptor);
    return;
  }
  const int on = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  auto connection = std::make_shared<Connection>(descriptor, stop.get(), process_id, secret, host);
  epoll_event event{};
  event.events = EPOLLRDHUP | EPOLLET;
  event.data.u32 = static_cast<std::uint32_t>(process_id);
  ::epoll_ctl(leaving.get(), EPOLL_CTL_ADD, descriptor, &event);
  slots.with([&](Slots& now) {
    Slot& slot = now[process_id];
    slot.connection = connection;
    slot.thread = std::jthread([this, process_id, connection = std::move(connection)] {
      name_this_thread("sql " + std::to_string(process_id));
      connection->run();
      slots.update([&](Slots& all) { all.at(process_id).done = true; });
      const std::uint64_t one = 1;
      [[maybe_unused]] const ssize_t told = ::write(wake.get(), &one, sizeof one);
    });
  });
}

// Joins the threads of connections that have ended, which closes their sockets.
void Server::State::reap() {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t read = ::read(wake.get(), &count, sizeof count);
  std::vector<Slot> ended;
  slots.with([&](Slots& now) {
    for (auto at = now.begin(); at != now.end();) {
      if (at->second.done) {
        ended.push_back(std::move(at->second));
        at = now.erase(at);
      } else {
        ++at;
      }
    }
  });
}

bool Server::State::admit() {
  if (++sessions <= options.connections_max) return true;
  --sessions;
  return false;
}

void Server::State::cancel(const CancelRequest& request) {
  const std::shared_ptr<Connection> connection =
      slots.with([&](const Slots& now) -> std::shared_ptr<Connection> {
        const auto found = now.find(request.process_id);
        if (found == now.end() || found->second.connection->secret() != request.secret) return {};
        return found->second.connection;
      });
  if (connection) connection->cancel();
}

// Stops what still runs for clients that hung up: more than once, because the next statement they
// sent may begin only later.
void Server::State::hurry_leavers() {
  std::vector<std::shared_ptr<Connection>> connections;
  slots.with([&](const Slots& now) {
    std::erase_if(leavers, [&](std::int32_t id) { return !now.contains(id); });
    for (const std::int32_t id : leavers) connections.push_back(now.at(id).connection);
  });
  for (const auto& connection : connections) connection->cancel();
}

}  // namespace freshet::pgwire
