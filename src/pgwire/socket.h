// A connected socket that gives up when the server stops: every wait also watches the server's
// stop descriptor.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "base/result.h"

namespace freshet::pgwire {

// 57P01 when the server stops, 08006 when the client is gone, 08P01 when the time is over.
class Socket {
 public:
  // Takes `descriptor` over; `stop_descriptor` becomes readable when the server stops.
  Socket(int descriptor, int stop_descriptor);
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket();

  // Reads some bytes, one at least.
  Result<std::size_t> read(std::span<std::byte> out,
                           std::optional<std::chrono::milliseconds> limit = {});
  Result<> write(std::string_view bytes);
  // Sends what fits without waiting, for last words.
  void write_if_possible(std::string_view bytes);
  int descriptor() const { return descriptor_; }

 private:
  Result<> wait(short events, std::optional<std::chrono::milliseconds> limit);

  int descriptor_;
  int stop_descriptor_;
};

}  // namespace freshet::pgwire
