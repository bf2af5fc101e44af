#include "stream/blocks.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace freshet::stream {

Result<Bytes> Blocks::view(const File& file, std::uint64_t position, std::size_t size,
                           std::uint64_t limit) {
  CHECK(position >= block_position_ && position + size <= limit);
  if (position + size > block_position_ + filled_) {
    if (position + size > block_position_ + capacity_) start_block(position, size);
    // Bytes already given away are not touched, so filling up a block under its readers is fine.
    const std::uint64_t fill_from = block_position_ + filled_;
    const std::size_t wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(capacity_ - filled_, limit - fill_from));
    filled_ += TRY(file.read_at(fill_from, {block_.get() + filled_, wanted}));
    if (position + size > block_position_ + filled_) {
      return Error{.fault = Fault::Corruption,
                   .sqlstate = "XX001",
                   .message = "read stream: the file became shorter"};
    }
  }
  return Bytes(block_.get() + (position - block_position_), size);
}

// The next block begins at `position`; what was read ahead from there moves along.
void Blocks::start_block(std::uint64_t position, std::size_t size) {
  const std::size_t capacity = std::max(block_bytes, size);
  auto block = std::make_shared_for_overwrite<std::byte[]>(capacity);
  const std::uint64_t filled_end = block_position_ + filled_;
  const std::size_t ahead =
      filled_end > position ? static_cast<std::size_t>(filled_end - position) : 0;
  if (ahead > 0) std::memcpy(block.get(), block_.get() + (position - block_position_), ahead);
  block_ = std::move(block);
  held_ = block_;
  capacity_ = capacity;
  filled_ = ahead;
  block_position_ = position;
}

}  // namespace freshet::stream
