#include "model/network.h"

#include <arpa/inet.h>

#include <charconv>

namespace freshet {

namespace {

constexpr char family_v4 = 4;
constexpr char family_v6 = 6;

// Bits one after the other, the highest of a byte first.
class BitWriter {
 public:
  explicit BitWriter(std::string& out) : out_(out) {}
  void put(bool bit) {
    if (used_ == 0) out_.push_back('\0');
    if (bit) out_.back() = static_cast<char>(out_.back() | (0x80 >> used_));
    used_ = (used_ + 1) % 8;
  }

 private:
  std::string& out_;
  int used_ = 0;  // bits of the last byte
};

class BitReader {
 public:
  explicit BitReader(std::string_view bytes) : bytes_(bytes) {}
  bool take() {
    const std::size_t byte = at_ / 8;
    const std::size_t bit = at_++ % 8;
    return byte < bytes_.size() && (static_cast<unsigned char>(bytes_[byte]) & (0x80U >> bit)) != 0;
  }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;
};

bool bit_of(const Network& network, std::size_t at) {
  return (network.address[at / 8] & (0x80U >> at % 8)) != 0;
}

}  // namespace

std::optional<Network> parse_network(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  const std::size_t slash = text.find('/');
  const std::string address(text.substr(0, slash));
  Network network{.v6 = address.find(':') != std::string::npos};
  if (inet_pton(network.v6 ? AF_INET6 : AF_INET, address.c_str(), network.address.data()) != 1) {
    return std::nullopt;
  }
  network.bits = network.bits_max();
  if (slash == std::string_view::npos) return network;
  const std::string_view bits = text.substr(slash + 1);
  const auto [end, error] = std::from_chars(bits.data(), bits.data() + bits.size(), network.bits);
  const bool read = error == std::errc() && end == bits.data() + bits.size();
  if (!read || network.bits > network.bits_max()) return std::nullopt;
  return network;
}

std::string network_text(const Network& network, Bits bits) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(network.v6 ? AF_INET6 : AF_INET, network.address.data(), text.data(), text.size());
  std::string printed(text.data());
  if (bits == Bits::Always || network.bits < network.bits_max()) {
    printed += '/' + std::to_string(network.bits);
  }
  return printed;
}

void append_network(std::string& form, const Network& network) {
  form.push_back(network.v6 ? family_v6 : family_v4);
  BitWriter writer(form);
  for (std::size_t i = 0; i < network.bits; ++i) {
    writer.put(true);
    writer.put(bit_of(network, i));
  }
  writer.put(false);
  writer.put(false);
  for (std::size_t i = network.bits; i < network.bits_max(); ++i) writer.put(bit_of(network, i));
}

Network network_of(std::string_view form) {
  Network network{.v6 = !form.empty() && form.front() == family_v6};
  BitReader reader(form.substr(form.empty() ? 0 : 1));
  const auto put = [&](std::size_t at, bool bit) {
    if (bit) network.address[at / 8] |= static_cast<std::uint8_t>(0x80U >> at % 8);
  };
  while (network.bits < network.bits_max() && reader.take()) put(network.bits++, reader.take());
  // Behind the last bit of the network stand two zeros; one was read unless all bits are its.
  if (network.bits < network.bits_max()) reader.take();
  for (std::size_t i = network.bits; i < network.bits_max(); ++i) put(i, reader.take());
  return network;
}

}  // namespace freshet
