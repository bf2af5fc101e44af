// A client on a plain socket for the tests of this module, so that every byte is theirs.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace freshet::http {

class Client {
 public:
  explicit Client(int port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ =
        ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    const timeval patience{.tv_sec = 20, .tv_usec = 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  ~Client() { ::close(socket_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool connected() const { return connected_; }
  void send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;  // the server hung up, which the test then sees by reading
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  // Up to the end of the next response's body, or of the stream.
  std::string response(bool has_body = true) {
    while (received_.find("\r\n\r\n") == std::string::npos && receive()) {
    }
    std::size_t size = received_.find("\r\n\r\n") + 4;
    const auto length = received_.find("Content-Length: ");
    if (has_body && length < size) size += std::stoul(received_.substr(length + 16));
    while (received_.size() < size && receive()) {
    }
    const std::string got = received_.substr(0, size);
    received_.erase(0, size);
    return got;
  }
  // Everything until the server hangs up.
  std::string rest() {
    while (receive()) {
    }
    return std::exchange(received_, {});
  }

 private:
  bool receive() {
    std::array<char, 4096> bytes;
    const ssize_t got = ::recv(socket_, bytes.data(), bytes.size(), 0);
    if (got <= 0) return false;
    received_.append(bytes.data(), static_cast<std::size_t>(got));
    return true;
  }

  int socket_;
  bool connected_ = false;
  std::string received_;
};

}  // namespace freshet::http
