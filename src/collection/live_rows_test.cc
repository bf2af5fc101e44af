#include "collection/live_rows.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <vector>

namespace freshet::collection {
namespace {

std::vector<bool> live_of(const SegmentBits& bits, std::size_t first, std::size_t count) {
  const auto out = std::make_unique<bool[]>(count + 1);
  bits.test_range(first, count, out.get());
  return std::vector<bool>(out.get(), out.get() + count);
}

TEST(SegmentBits, AgreesWithAVectorOfBool) {
  constexpr std::size_t rows = 600'000;
  std::mt19937_64 random(7);
  std::vector<bool> live(rows, true);
  SegmentBits bits;
  std::uint64_t dead = 0;
  for (int i = 0; i < 200'000; ++i) {
    // Crowded in one place, thin elsewhere: full words, empty pages.
    const std::size_t row = i % 2 == 0 ? random() % rows : 100'000 + random() % 5'000;
    EXPECT_EQ(bits.mark_dead(row), live[row]);
    dead += live[row] ? 1U : 0U;
    live[row] = false;
  }
  EXPECT_EQ(bits.dead_count(), dead);
  for (int i = 0; i < 2'000; ++i) {
    const std::size_t first = random() % (rows - 3'000);
    const std::size_t count = random() % 3'000;
    ASSERT_EQ(live_of(bits, first, count),
              std::vector<bool>(live.begin() + static_cast<std::ptrdiff_t>(first),
                                live.begin() + static_cast<std::ptrdiff_t>(first + count)));
  }
  std::uint64_t expected = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    if (row % 997 == 0) {
      ASSERT_EQ(bits.dead_before(row), expected) << row;
    }
    expected += live[row] ? 0U : 1U;
  }
}

TEST(SegmentBits, TestsScatteredRows) {
  SegmentBits bits;
  bits.mark_dead(5);
  bits.mark_dead(1'000'000);
  const std::vector<std::int64_t> rows{1'000'000, 4, 5, 6, 999'999, 70'000'000};
  bool out[6];
  bits.test(rows.data(), rows.size(), out);
  EXPECT_EQ(std::vector<bool>(out, out + 6),
            std::vector<bool>({false, true, false, true, true, true}));
}

TEST(SegmentBits, VisitsTheDeadInOrder) {
  SegmentBits bits;
  for (const std::uint64_t row : {700'000U, 3U, 64U, 4'096U}) bits.mark_dead(row);
  std::vector<std::uint64_t> seen;
  bits.for_each_dead([&](std::uint64_t row) { seen.push_back(row); });
  EXPECT_EQ(seen, std::vector<std::uint64_t>({3, 64, 4'096, 700'000}));
}

TEST(SegmentBits, KeepsWhatWasSharedAsItWas) {
  std::mt19937_64 random(11);
  SegmentBits bits;
  std::vector<std::pair<std::shared_ptr<const SegmentBits>, std::vector<bool>>> versions;
  std::vector<bool> live(50'000, true);
  for (int version = 0; version < 40; ++version) {
    for (int i = 0; i < 300; ++i) {
      const std::size_t row = random() % live.size();
      bits.mark_dead(row);
      live[row] = false;
    }
    versions.emplace_back(bits.share(), live);
  }
  for (const auto& [shared, expected] : versions) {
    ASSERT_EQ(live_of(*shared, 0, expected.size()), expected);
  }
}

TEST(LiveRoot, FindsEverySegmentAndForgetsNone) {
  std::mt19937 random(3);
  auto root = std::make_shared<const LiveRoot>();
  std::vector<SegmentId> segments;
  for (int i = 0; i < 300; ++i)
    segments.push_back(static_cast<SegmentId>(random() % segment_id_max));
  segments.push_back(segment_id_max);
  const auto empty = root;
  for (std::size_t i = 0; i < segments.size(); i += 7) {
    std::vector<LiveRoot::Edit> edits;
    for (std::size_t k = i; k < std::min(i + 7, segments.size()); ++k) {
      SegmentBits bits;
      bits.mark_dead(segments[k]);
      edits.push_back({segments[k], bits.share()});
    }
    root = root->with(edits);
  }
  for (const SegmentId segment : segments) {
    ASSERT_NE(root->find(segment), nullptr);
    EXPECT_TRUE(root->find(segment)->is_dead(segment));
    EXPECT_EQ(empty->find(segment), nullptr);
  }
  root = root->with({{segments[0], nullptr}});
  EXPECT_EQ(root->find(segments[0]), nullptr);
}

TEST(LiveRoot, AnswersLiveForASegmentItDoesNotKnow) {
  const LiveRoot root;
  const std::int64_t rows[] = {1, 2, 3};
  bool out[3] = {};
  root.test(9, rows, 3, out);
  EXPECT_TRUE(out[0] && out[1] && out[2]);
}

}  // namespace
}  // namespace freshet::collection
