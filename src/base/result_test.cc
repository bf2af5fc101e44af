#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>

namespace freshet {
namespace {

Result<int> half(int number) {
  if (number % 2 == 0) return number / 2;
  return Error{
      .fault = Fault::Transient, .sqlstate = "22000", .message = "odd", .hint = "Add one."};
}

Result<int> quarter(int number) {
  const int once = TRY(half(number));
  const int twice = TRY(half(once).context("halve again"));
  return twice;
}

TEST(Result, HoldsItsValue) {
  const Result<int> result = half(4);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(*result, 2);
}

TEST(Result, TryReturnsTheErrorOfTheFirstFailure) {
  EXPECT_EQ(*quarter(8), 2);
  EXPECT_EQ(quarter(3).error().message, "odd");
  EXPECT_EQ(quarter(6).error().message, "halve again: odd");
}

TEST(Result, ContextKeepsEverythingButTheMessage) {
  const Result<int> result = half(1).context("try");
  EXPECT_EQ(result.error().fault, Fault::Transient);
  EXPECT_EQ(result.error().sqlstate, "22000");
  EXPECT_EQ(result.error().hint, "Add one.");
}

TEST(Result, MovesWhatCannotBeCopied) {
  const auto make = []() -> Result<std::unique_ptr<int>> { return std::make_unique<int>(7); };
  const auto use = [&]() -> Result<int> {
    const std::unique_ptr<int> number = TRY(make());
    return *number;
  };
  EXPECT_EQ(*use(), 7);
}

TEST(Result, WithoutAValueIsOkByDefault) {
  const Result<> result;
  EXPECT_TRUE(result.ok());
}

TEST(ResultDeathTest, TakingTheValueOfAnErrorAborts) {
  const Result<int> result = half(1);
  EXPECT_DEATH({ [[maybe_unused]] const int value = *result; }, "a promise was broken: ok\\(\\)");
}

}  // namespace
}  // namespace freshet
