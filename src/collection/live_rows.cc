#include "collection/live_rows.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/check.h"

namespace freshet::collection {

namespace {

constexpr std::uint64_t block_rows = SegmentBits::page_rows * SegmentBits::block_pages;

// Bytes 0 or 1 for the 8 low bits, bit 0 first: multiply spreads them, the mask picks one each.
std::uint64_t spread(std::uint64_t byte) {
  return ((byte * 0x0101010101010101ULL & 0x8040201008040201ULL) + 0x7f7f7f7f7f7f7f7fULL) >> 7 &
         0x0101010101010101ULL;
}

// Copies 64 - from bits at most of `live` into bools.
void write_bits(std::uint64_t live, std::size_t count, bool* out) {
  std::size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const std::uint64_t eight = spread(live & 0xff);
    std::memcpy(out + i, &eight, 8);
    live >>= 8;
  }
  for (; i < count; ++i, live >>= 1) out[i] = (live & 1) != 0;
}

bool consecutive(const std::int64_t* rows, std::size_t count) {
  // Branch-free, so that it runs as fast as the row ids come from memory.
  std::int64_t differ = 0;
  for (std::size_t i = 0; i < count; ++i) {
    differ |= rows[i] - (rows[0] + static_cast<std::int64_t>(i));
  }
  return differ == 0;
}

}  // namespace

const SegmentBits::Page* SegmentBits::page_of(std::uint64_t row) const {
  const std::uint64_t block = row / block_rows;
  if (block >= blocks_.size() || !blocks_[block]) return nullptr;
  return blocks_[block]->pages[row / page_rows % block_pages].get();
}

bool SegmentBits::is_dead(std::uint64_t row) const {
  return (dead_word(row / 64) >> row % 64 & 1) != 0;
}

std::uint64_t SegmentBits::dead_word(std::uint64_t word) const {
  const Page* page = page_of(word * 64);
  return page == nullptr ? 0 : page->words[word % (page_rows / 64)];
}

bool SegmentBits::mark_dead(std::uint64_t row) {
  Page& page = page_to_edit(row);
  std::uint64_t& word = page.words[row % page_rows / 64];
  const std::uint64_t bit = std::uint64_t{1} << row % 64;
  if ((word & bit) != 0) return false;
  word |= bit;
  ++page.dead;
  ++dead_count_;
  return true;
}

SegmentBits::Page& SegmentBits::page_to_edit(std::uint64_t row) {
  const std::uint64_t at = row / block_rows;
  if (at >= blocks_.size()) blocks_.resize(at + 1);
  std::shared_ptr<Block>& block = blocks_[at];
  if (!block || block->edition != edition_) {
    block = block ? std::make_shared<Block>(*block) : std::make_shared<Block>();
    block->edition = edition_;
  }
  std::shared_ptr<Page>& page = block->pages[row / page_rows % block_pages];
  if (!page || page->edition != edition_) {
    if (!page) ++pages_;
    page = page ? std::make_shared<Page>(*page) : std::make_shared<Page>();
    page->edition = edition_;
  }
  return *page;
}

SegmentBits SegmentBits::continued(const SegmentBits& published) {
  SegmentBits bits = published;
  ++bits.edition_;
  return bits;
}

std::shared_ptr<const SegmentBits> SegmentBits::share() {
  auto shared = std::make_shared<const SegmentBits>(*this);
  ++edition_;
  return shared;
}

std::uint64_t SegmentBits::memory_bytes() const {
  std::uint64_t blocks = 0;
  for (const auto& block : blocks_) blocks += block ? 1U : 0U;
  return pages_ * sizeof(Page) + blocks * sizeof(Block) +
         blocks_.capacity() * sizeof(std::shared_ptr<Block>);
}

void SegmentBits::test(const std::int64_t* rows, std::size_t count, bool* out) const {
  if (count == 0) return;
  if (consecutive(rows, count)) {
    return test_range(static_cast<std::uint64_t>(rows[0]), count, out);
  }
  for (std::size_t i = 0; i < count; ++i) out[i] = !is_dead(static_cast<std::uint64_t>(rows[i]));
}

void SegmentBits::test_range(std::uint64_t first, std::size_t count, bool* out) const {
  std::size_t done = 0;
  while (done < count) {
    const std::uint64_t row = first + done;
    const std::size_t in_page =
        std::min<std::size_t>(count - done, static_cast<std::size_t>(page_rows - row % page_rows));
    const Page* page = page_of(row);
    if (page == nullptr || page->dead == 0) {
      std::memset(out + done, 1, in_page);
      done += in_page;
      continue;
    }
    for (const std::size_t end = done + in_page; done < end;) {
      const std::uint64_t at = (first + done) % page_rows;
      const std::size_t in_word = std::min<std::size_t>(end - done, 64 - at % 64);
      write_bits(~page->words[at / 64] >> at % 64, in_word, out + done);
      done += in_word;
    }
  }
}

std::uint64_t SegmentBits::dead_before(std::uint64_t end) const {
  std::uint64_t dead = 0;
  std::uint64_t row = 0;
  while (row < end) {
    const std::uint64_t stop = std::min(end, row + page_rows);
    const Page* page = page_of(row);
    if (page != nullptr && stop - row == page_rows) dead += page->dead;
    if (page != nullptr && stop - row < page_rows) {
      for (std::uint64_t at = row; at < stop; at += 64) {
        std::uint64_t word = page->words[at % page_rows / 64];
        if (stop - at < 64) word &= (std::uint64_t{1} << (stop - at)) - 1;
        dead += static_cast<std::uint64_t>(std::popcount(word));
      }
    }
    row = stop;
  }
  return dead;
}

void LiveRoot::test(std::uint32_t segment, const std::int64_t* rows, std::size_t count,
                    bool* out) const {
  const SegmentBits* bits = find(segment);
  if (bits != nullptr) return bits->test(rows, count, out);
  std::memset(out, 1, count);
}

const SegmentBits* LiveRoot::find(SegmentId segment) const {
  if (!top_ || segment > segment_id_max) return nullptr;
  const High* high = top_->children[segment >> 18].get();
  if (high == nullptr) return nullptr;
  const Low* low = high->children[segment >> 12 & 63].get();
  if (low == nullptr) return nullptr;
  const Leaf* leaf = low->children[segment >> 6 & 63].get();
  return leaf == nullptr ? nullptr : leaf->segments[segment & 63].get();
}

std::shared_ptr<const LiveRoot> LiveRoot::with(const std::vector<Edit>& edits) const {
  const auto copy_of = []<typename T>(const std::shared_ptr<const T>& from) {
    return from ? std::make_shared<T>(*from) : std::make_shared<T>();
  };
  auto root = std::make_shared<LiveRoot>();
  auto top = copy_of(top_);
  // In order of segments, each node on the way is copied once.
  std::vector<const Edit*> sorted;
  for (const Edit& edit : edits) sorted.push_back(&edit);
  std::ranges::sort(sorted, {}, [](const Edit* edit) { return edit->segment; });
  std::shared_ptr<High> high;
  std::shared_ptr<Low> low;
  std::shared_ptr<Leaf> leaf;
  SegmentId last = ~SegmentId{0};
  for (const Edit* edit : sorted) {
    const SegmentId segment = edit->segment;
    CHECK(segment <= segment_id_max);
    auto& high_slot = top->children[segment >> 18];
    if (segment >> 18 != last >> 18) high_slot = high = copy_of(high_slot);
    auto& low_slot = high->children[segment >> 12 & 63];
    if (segment >> 12 != last >> 12) low_slot = low = copy_of(low_slot);
    auto& leaf_slot = low->children[segment >> 6 & 63];
    if (segment >> 6 != last >> 6) leaf_slot = leaf = copy_of(leaf_slot);
    leaf->segments[segment & 63] = edit->bits;
    last = segment;
  }
  root->top_ = std::move(top);
  return root;
}

}  // namespace freshet::collection
