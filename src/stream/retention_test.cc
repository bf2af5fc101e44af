#include "stream/retention.h"

#include <gtest/gtest.h>

namespace freshet::stream {
namespace {

using namespace std::chrono_literals;

// Three files of 100 bytes; the oldest was finished an hour ago.
const std::vector<StreamFile> three = {
    {.begin = {0}, .age = 3600s}, {.begin = {100}, .age = 60s}, {.begin = {200}, .age = 0s}};
constexpr Offset end{300};

TEST(Retention, NothingThatSomebodyNeedsGoes) {
  EXPECT_EQ(removable(three, end, {0}, {}), 0U);
  EXPECT_EQ(removable(three, end, {99}, {}), 0U);
  EXPECT_EQ(removable(three, end, {100}, {}), 1U);
  EXPECT_EQ(removable(three, end, {99}, {.age_max = 1s, .bytes_max = 1}), 0U);
}

TEST(Retention, WithoutOneEverythingGoesAtOnceButTheNewestFile) {
  EXPECT_EQ(removable(three, end, end, {}), 2U);
}

TEST(Retention, WhatNobodyNeedsStaysForItsTime) {
  EXPECT_EQ(removable(three, end, end, {.age_max = 2h}), 0U);
  EXPECT_EQ(removable(three, end, end, {.age_max = 30min}), 1U);
  EXPECT_EQ(removable(three, end, end, {.age_max = 30s}), 2U);
}

TEST(Retention, OrUntilThereIsTooMuch) {
  EXPECT_EQ(removable(three, end, end, {.age_max = 2h, .bytes_max = 300}), 0U);
  EXPECT_EQ(removable(three, end, end, {.age_max = 2h, .bytes_max = 250}), 1U);
  EXPECT_EQ(removable(three, end, end, {.age_max = 2h, .bytes_max = 0}), 2U);
}

TEST(Retention, OneFileAlwaysStays) {
  EXPECT_EQ(removable({{.begin = {0}, .age = 3600s}}, end, end, {.bytes_max = 0}), 0U);
}

}  // namespace
}  // namespace freshet::stream
