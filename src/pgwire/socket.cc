#include "pgwire/socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace freshet::pgwire {
namespace {

Error gone(const std::string& why) {
  return {.fault = Fault::Transient, .sqlstate = "08006", .message = "client is gone: " + why};
}

}  // namespace

Socket::Socket(int descriptor, int stop_descriptor)
    : descriptor_(descriptor), stop_descriptor_(stop_descriptor) {}

Socket::~Socket() {
  ::close(descriptor_);
}

Result<> Socket::wait(short events, std::optional<std::chrono::milliseconds> limit) {
  pollfd watched[2] = {{descriptor_, events, 0}, {stop_descriptor_, POLLIN, 0}};
  for (;;) {
    const int ready = ::poll(watched, 2, limit ? static_cast<int>(limit->count()) : -1);
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return gone(std::strerror(errno));
    if (ready == 0) return Error{.sqlstate = "08P01", .message = "the client took too long"};
    if (watched[1].revents != 0) {
      return Error{.sqlstate = "57P01",
                   .message = "terminating connection due to administrator command"};
    }
    return {};
  }
}

Result<std::size_t> Socket::read(std::span<std::byte> out,
                                 std::optional<std::chrono::milliseconds> limit) {
  for (;;) {
    const ssize_t size = ::recv(descriptor_, out.data(), out.size(), MSG_DONTWAIT);
    if (size > 0) return static_cast<std::size_t>(size);
    if (size == 0) return gone("end of file");
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return gone(std::strerror(errno));
    TRY(wait(POLLIN, limit));
  }
}

Result<> Socket::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t size =
        ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(size));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      TRY(wait(POLLOUT, {}));
    } else if (errno != EINTR) {
      return gone(std::strerror(errno));
    }
  }
  return {};
}

void Socket::write_if_possible(std::string_view bytes) {
  [[maybe_unused]] const ssize_t size =
      ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace freshet::pgwire
