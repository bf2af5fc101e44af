// Reading and writing bytes of formats and protocols, with the endianness said aloud.
//
// ByteReader cannot run past its end: a read that would do so returns zero and marks the reader as
// overrun. Parse a whole message straight down, then ask ok() once.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace freshet {

using Bytes = std::span<const std::byte>;

inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

template <typename T>
T swap_bytes(T value) {
  if constexpr (sizeof(T) == 1) return value;
  if constexpr (sizeof(T) == 2)
    return static_cast<T>(__builtin_bswap16(static_cast<std::uint16_t>(value)));
  if constexpr (sizeof(T) == 4)
    return static_cast<T>(__builtin_bswap32(static_cast<std::uint32_t>(value)));
  if constexpr (sizeof(T) == 8)
    return static_cast<T>(__builtin_bswap64(static_cast<std::uint64_t>(value)));
}

template <typename T>
T load_big(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return swap_bytes(value);
}
template <typename T>
T load_little(const std::byte* from) {
  static_assert(std::endian::native == std::endian::little);
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

class ByteReader {
 public:
  explicit ByteReader(Bytes bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  bool ok() const { return !overrun_; }
  bool at_end() const { return at_ == end_; }
  std::size_t remaining() const { return static_cast<std::size_t>(end_ - at_); }

  // Network order, as PostgreSQL's protocols have it.
  template <typename T>
  T big() {
    if (remaining() < sizeof(T)) return overrun<T>();
    const T value = load_big<T>(at_);
    at_ += sizeof(T);
    return value;
  }
  // Little-endian, as our own formats have it.
  template <typename T>
  T little() {
    if (remaining() < sizeof(T)) return overrun<T>();
    const T value = load_little<T>(at_);
    at_ += sizeof(T);
    return value;
  }
  Bytes bytes(std::size_t size) {
    if (remaining() < size) {
      overrun<int>();
      return {};
    }
    const Bytes taken(at_, size);
    at_ += size;
    return taken;
  }
  // Up to the next zero byte, which is consumed and not part of the text.
  std::string_view text_to_nul() {
    const void* nul = at_ == end_ ? nullptr : std::memchr(at_, 0, remaining());
    if (nul == nullptr) {
      overrun<int>();
      return {};
    }
    const auto size = static_cast<std::size_t>(static_cast<const std::byte*>(nul) - at_);
    const std::string_view text = as_text({at_, size});
    at_ += size + 1;
    return text;
  }
  Bytes rest() { return bytes(remaining()); }

 private:
  template <typename T>
  T overrun() {
    overrun_ = true;
    at_ = end_;
    return T{};
  }

  const std::byte* at_;
  const std::byte* end_;
  bool overrun_ = false;
};

// Appends to a string, which is what sockets and files take.
class ByteWriter {
 public:
  explicit ByteWriter(std::string& out) : out_(out) {}

  template <typename T>
  void big(T value) {
    const T swapped = swap_bytes(value);
    out_.append(reinterpret_cast<const char*>(&swapped), sizeof swapped);
  }
  template <typename T>
  void little(T value) {
    static_assert(std::endian::native == std::endian::little);
    out_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void bytes(Bytes bytes) { out_.append(as_text(bytes)); }
  void text_with_nul(std::string_view text) {
    out_.append(text);
    out_.push_back('\0');
  }

 private:
  std::string& out_;
};

}  // namespace freshet
