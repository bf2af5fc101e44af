// Which rows of which segment are dead: paged bitsets, copy-on-write, behind one immutable root.
//
//   LiveRoot     one version of all segments; what a query holds
//   SegmentBits  one version of one segment: blocks of 64 pages of 4,096 rows
//
// A missing page, block or segment has no dead rows, so rows that were never deleted cost nothing.
// A writer edits its own SegmentBits: what the last publish() shared is copied when it is touched
// first, the rest in place. Cost of a commit: the pages it touches, and a few hundred pointers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/live.h"

namespace freshet::collection {

using SegmentId = std::uint32_t;
inline constexpr SegmentId segment_id_max = (1U << 23) - 1;

// A value: copies share their pages, and a page is only changed by the one that made it since its
// last share().
class SegmentBits {
 public:
  static constexpr std::uint64_t page_rows = 4096;
  static constexpr std::uint64_t block_pages = 64;

  bool is_dead(std::uint64_t row) const;
  // Where `published` ends, to be edited without changing it.
  static SegmentBits continued(const SegmentBits& published);
  // False when it was dead before.
  bool mark_dead(std::uint64_t row);
  std::uint64_t dead_count() const { return dead_count_; }
  std::uint64_t memory_bytes() const;

  // Writes 1 for live and 0 for dead rows.
  void test(const std::int64_t* rows, std::size_t count, bool* out) const;
  // The same for `count` consecutive rows.
  void test_range(std::uint64_t first, std::size_t count, bool* out) const;
  // Dead rows in [0, end).
  std::uint64_t dead_before(std::uint64_t end) const;
  // Calls visit(row) for each dead row, in order.
  template <typename Visit>
  void for_each_dead(Visit&& visit) const;
  // The 64 rows from word × 64: a set bit is a dead row.
  std::uint64_t dead_word(std::uint64_t word) const;

  // A copy for readers; from here on this one copies what it touches.
  std::shared_ptr<const SegmentBits> share();

 private:
  struct Page {
    std::uint64_t edition = 0;
    std::uint32_t dead = 0;
    std::array<std::uint64_t, page_rows / 64> words{};
  };
  struct Block {
    std::uint64_t edition = 0;
    std::array<std::shared_ptr<Page>, block_pages> pages;
  };
  const Page* page_of(std::uint64_t row) const;
  Page& page_to_edit(std::uint64_t row);

  std::vector<std::shared_ptr<Block>> blocks_;
  std::uint64_t edition_ = 1;  // pages and blocks of another edition are shared
  std::uint64_t dead_count_ = 0;
  std::uint64_t pages_ = 0;
};

// Immutable. with() makes the next version and shares nearly everything.
class LiveRoot final : public engine::LiveRows {
 public:
  void test(std::uint32_t segment, const std::int64_t* rows, std::size_t count,
            bool* out) const override;
  // Null when the segment has no dead rows.
  const SegmentBits* find(SegmentId segment) const;

  struct Edit {
    SegmentId segment = 0;
    std::shared_ptr<const SegmentBits> bits;  // null forgets the segment
  };
  std::shared_ptr<const LiveRoot> with(const std::vector<Edit>& edits) const;

 private:
  // Two levels of 4,096 and 2,048 would copy too much per commit; four of 64 copy 1 KiB each.
  static constexpr std::size_t fanout = 64;
  struct Leaf {
    std::array<std::shared_ptr<const SegmentBits>, fanout> segments;
  };
  template <typename Child>
  struct Node {
    std::array<std::shared_ptr<const Child>, fanout> children;
  };
  using Low = Node<Leaf>;
  using High = Node<Low>;
  using Top = Node<High>;

  std::shared_ptr<const Top> top_;
};

template <typename Visit>
void SegmentBits::for_each_dead(Visit&& visit) const {
  for (std::uint64_t b = 0; b < blocks_.size(); ++b) {
    if (!blocks_[b]) continue;
    for (std::uint64_t p = 0; p < block_pages; ++p) {
      const Page* page = blocks_[b]->pages[p].get();
      if (page == nullptr) continue;
      const std::uint64_t first = (b * block_pages + p) * page_rows;
      for (std::uint64_t w = 0; w < page->words.size(); ++w) {
        for (std::uint64_t bits = page->words[w]; bits != 0; bits &= bits - 1) {
          visit(first + w * 64 + static_cast<std::uint64_t>(__builtin_ctzll(bits)));
        }
      }
    }
  }
}

}  // namespace freshet::collection
