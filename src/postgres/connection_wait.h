// Waiting for a socket so that a stop token ends the wait at once.
#pragma once

#include <chrono>
#include <stop_token>

namespace freshet::postgres {

// One thread waits; any thread may ask it to stop.
class SocketWait {
 public:
  enum class Woken { Ready, TimedOut, Stopped };

  SocketWait();
  ~SocketWait();
  SocketWait(const SocketWait&) = delete;
  SocketWait& operator=(const SocketWait&) = delete;

  // Until `events` (of poll) happen on the socket. A broken socket is Ready: the read will tell.
  Woken wait(int socket, short events, const std::stop_token& stop,
             std::chrono::milliseconds limit) const;

 private:
  int wake_;  // an eventfd, written by the stop callback
};

}  // namespace freshet::postgres
