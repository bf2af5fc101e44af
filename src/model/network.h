// inet and cidr: an address and how many of its bits are the network's; and the bytes that sort as
// PostgreSQL sorts them.
//
//   4 or 6           the family
//   per network bit  10 or 11, and 00 behind the last: a shorter network comes before those in it
//   the other bits   as they are; zeros to the end of the last byte
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace freshet {

struct Network {
  bool v6 = false;
  std::uint8_t bits = 0;                   // of the network: up to 32, or 128
  std::array<std::uint8_t, 16> address{};  // 4 of them, or 16; network byte order

  std::uint8_t bits_max() const { return v6 ? 128 : 32; }
  friend bool operator==(const Network&, const Network&) = default;
};

// "10.0.0.1", "10.0.0.0/8", "2001:db8::1/64"; nothing for anything else.
std::optional<Network> parse_network(std::string_view text);

// As PostgreSQL prints it: inet leaves out the bits when all are the network's, cidr never does.
enum class Bits { WhenFewer, Always };
std::string network_text(const Network& network, Bits bits);

void append_network(std::string& form, const Network& network);
// From a form that append_network made.
Network network_of(std::string_view form);

}  // namespace freshet
