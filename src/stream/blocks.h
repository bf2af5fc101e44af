// Reads a file's bytes through blocks that outlive the reading: what view() returned stays where it
// is for as long as somebody holds memory(), so records are handed on without being copied.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/file.h"
#include "base/result.h"

namespace freshet::stream {

class Blocks {
 public:
  static constexpr std::size_t block_bytes = 1 << 20;

  // The bytes at `position`, which never goes back. Reads ahead, but nothing from `limit` on: those
  // bytes may still change. position + size ≤ limit. Corruption when the file is shorter.
  Result<Bytes> view(const File& file, std::uint64_t position, std::size_t size,
                     std::uint64_t limit);
  // Holds what the last view() returned.
  const std::shared_ptr<const std::byte[]>& memory() const { return held_; }

 private:
  void start_block(std::uint64_t position, std::size_t size);

  std::shared_ptr<std::byte[]> block_;
  std::shared_ptr<const std::byte[]> held_;  // the same, as it is given away
  std::size_t capacity_ = 0;
  std::size_t filled_ = 0;
  std::uint64_t block_position_ = 0;  // of the block's first byte in the file
};

}  // namespace freshet::stream
