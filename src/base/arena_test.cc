#include "base/arena.h"

#include <gtest/gtest.h>

#include <string>

namespace freshet {
namespace {

TEST(Arena, WhatItKeepsStaysWhereItIsWhileItGrows) {
  Arena arena;
  std::vector<std::string_view> kept;
  for (int i = 0; i < 50'000; ++i) kept.push_back(arena.keep("text " + std::to_string(i)));
  for (int i = 0; i < 50'000; ++i) {
    ASSERT_EQ(kept[static_cast<std::size_t>(i)], "text " + std::to_string(i));
  }
}

TEST(Arena, TakesValuesOfAnySize) {
  Arena arena;
  const std::string large(3 << 20, 'x');
  const std::string_view before = arena.keep("before");
  const std::string_view kept = arena.keep(large);
  const std::string_view after = arena.keep("after");
  EXPECT_EQ(before, "before");
  EXPECT_EQ(kept, large);
  EXPECT_EQ(after, "after");
  EXPECT_TRUE(arena.keep("").empty());
}

TEST(Arena, UsesItsMemoryAgainAfterAReset) {
  Arena arena;
  const char* const first = arena.allocate(100);
  arena.reset();
  EXPECT_EQ(arena.allocate(100), first);
}

TEST(Arena, WorksAfterAResetThatFollowedALargeValue) {
  Arena arena;
  arena.allocate(3 << 20);
  arena.reset();
  const std::string_view small = arena.keep("small");
  const std::string large(3 << 20, 'y');
  const std::string_view kept = arena.keep(large);
  EXPECT_EQ(small, "small");
  EXPECT_EQ(kept, large);
}

}  // namespace
}  // namespace freshet
