// An arena: bytes that live until the whole arena is reset. Pointers into it stay where they are
// while it grows. One thread.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace freshet {

class Arena {
 public:
  char* allocate(std::size_t size) {
    if (blocks_.empty() || used_ + size > blocks_[block_].size) next_block(size);
    char* const result = blocks_[block_].bytes.get() + used_;
    used_ += size;
    return result;
  }
  std::string_view keep(std::string_view text) {
    if (text.empty()) return {};
    char* const to = allocate(text.size());
    std::memcpy(to, text.data(), text.size());
    return {to, text.size()};
  }
  // Everything handed out becomes invalid; the memory is kept for the next round, up to a limit.
  // Blocks that were made for one large value are not: one such value would hold them for good.
  void reset() {
    std::erase_if(blocks_, [](const Block& block) { return block.size > block_bytes; });
    if (blocks_.size() > blocks_kept_max) blocks_.resize(blocks_kept_max);
    block_ = 0;
    used_ = 0;
  }

 private:
  struct Block {
    std::unique_ptr<char[]> bytes;
    std::size_t size;
  };
  static constexpr std::size_t block_bytes = 256 << 10;
  static constexpr std::size_t blocks_kept_max = 64;

  void next_block(std::size_t size_min) {
    if (!blocks_.empty()) ++block_;
    while (block_ < blocks_.size() && blocks_[block_].size < size_min) ++block_;
    if (block_ >= blocks_.size()) {
      const std::size_t size = size_min > block_bytes ? size_min : block_bytes;
      blocks_.push_back({std::make_unique_for_overwrite<char[]>(size), size});
      block_ = blocks_.size() - 1;
    }
    used_ = 0;
  }

  std::vector<Block> blocks_;
  std::size_t block_ = 0;
  std::size_t used_ = 0;
};

}  // namespace freshet
