#include "collection/key_index.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace freshet::collection {
namespace {

TEST(Location, HoldsTheLargestSegmentAndRow) {
  const Location location(segment_id_max, (std::uint64_t{1} << 40) - 1);
  EXPECT_EQ(location.segment(), segment_id_max);
  EXPECT_EQ(location.row(), (std::uint64_t{1} << 40) - 1);
  EXPECT_EQ(location.value >> 63, 0U);
}

TEST(UniqueIndex, AgreesWithAMap) {
  std::mt19937_64 random(5);
  IntegerIndex index;
  std::map<std::int64_t, std::uint64_t> expected;
  for (std::uint64_t i = 0; i < 300'000; ++i) {
    const auto key = static_cast<std::int64_t>(random() % 50'000) - 25'000;
    const auto known = expected.find(key);
    if (random() % 3 == 0) {
      const auto taken = index.take(key);
      ASSERT_EQ(taken.has_value(), known != expected.end());
      if (!taken) continue;
      ASSERT_EQ(taken->value, known->second);
      expected.erase(known);
    } else {
      const auto before = index.put(key, Location(i));
      ASSERT_EQ(before.has_value(), known != expected.end());
      if (before) {
        ASSERT_EQ(before->value, known->second);
      }
      expected[key] = i;
    }
  }
  EXPECT_EQ(index.size(), expected.size());
  for (const auto& [key, location] : expected) ASSERT_EQ(*index.find(key), location);
}

TEST(UniqueIndex, GrowsToAMillionKeysAndShrinksToNone) {
  HashIndex index;
  const auto key = [](std::uint64_t i) { return Hash128{i * 0x9e3779b97f4a7c15ULL, i}; };
  for (std::uint64_t i = 0; i < 1'000'000; ++i) EXPECT_FALSE(index.put(key(i), Location(i)));
  EXPECT_GE(index.memory_bytes(), 25'000'000U);
  for (std::uint64_t i = 0; i < 1'000'000; ++i) ASSERT_EQ(index.take(key(i))->value, i);
  EXPECT_EQ(index.size(), 0U);
}

TEST(UniqueIndex, RelocatesRows) {
  IntegerIndex index;
  index.put(1, Location(1, 10));
  index.put(2, Location(2, 20));
  index.relocate([](Location at) { return at.segment() == 1 ? Location(3, at.row() + 5) : at; });
  EXPECT_EQ(Location(*index.find(1)), Location(3, 15));
  EXPECT_EQ(Location(*index.find(2)), Location(2, 20));
}

TEST(MultiIndex, TakesExactlyOneOfEqualRows) {
  MultiIndex index;
  for (std::uint64_t i = 0; i < 3; ++i) index.add({1, 1}, Location(i));
  EXPECT_EQ(index.take({1, 1})->value, 2U);
  EXPECT_EQ(index.take({1, 1})->value, 1U);
  EXPECT_EQ(index.take({1, 1})->value, 0U);
  EXPECT_FALSE(index.take({1, 1}));
}

TEST(MultiIndex, AgreesWithAMultimap) {
  std::mt19937_64 random(9);
  MultiIndex index;
  std::multimap<std::uint64_t, std::uint64_t> expected;
  for (std::uint64_t i = 0; i < 300'000; ++i) {
    const std::uint64_t key = random() % 20'000;
    if (random() % 2 == 0) {
      index.add({key, ~key}, Location(i));
      expected.emplace(key, i);
      continue;
    }
    const auto taken = index.take({key, ~key});
    const auto [first, last] = expected.equal_range(key);
    ASSERT_EQ(taken.has_value(), first != last);
    if (!taken) continue;
    const auto same = std::find_if(first, last, [&](auto& e) { return e.second == taken->value; });
    ASSERT_NE(same, last);
    expected.erase(same);
  }
  EXPECT_EQ(index.size(), expected.size());
  index.relocate([](Location at) { return Location(at.value + 1'000'000); });
  for (const auto& [key, location] : expected)
    ASSERT_GE(index.take({key, ~key})->value, 1'000'000U);
  EXPECT_EQ(index.size(), 0U);
}

}  // namespace
}  // namespace freshet::collection
