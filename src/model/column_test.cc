#include "model/column.h"

#include <gtest/gtest.h>

namespace freshet {
namespace {

Column integers(std::initializer_list<std::int32_t> values) {
  Column column({TypeKind::Int32});
  for (const std::int32_t value : values) column.append(value);
  return column;
}

constexpr Type list_of_integers{TypeKind::List, 0, 0, TypeKind::Int32};

void append_list(Column& lists, std::initializer_list<std::int32_t> values) {
  const std::uint64_t offset = lists.child().size();
  for (const std::int32_t value : values) lists.child().append(value);
  lists.append(ListRef{offset, values.size()});
}

std::vector<std::int32_t> list_at(const Column& lists, std::size_t row) {
  std::vector<std::int32_t> values;
  const auto list = lists.get<ListRef>(row);
  for (std::uint64_t i = 0; i < list.size; ++i) {
    values.push_back(lists.child().get<std::int32_t>(static_cast<std::size_t>(list.offset + i)));
  }
  return values;
}

using Values = std::vector<std::int32_t>;

TEST(Column, TellsNullFromUnchanged) {
  Column column = integers({1});
  EXPECT_TRUE(column.all_present());
  column.append_null();
  column.append_unchanged();
  EXPECT_FALSE(column.all_present());
  EXPECT_EQ(column.state(1), ValueState::Null);
  EXPECT_EQ(column.state(2), ValueState::Unchanged);
  column.drop_to(1);
  EXPECT_TRUE(column.all_present());
  EXPECT_EQ(column.size(), 1U);
}

TEST(Column, FillsAnUnchangedValueFromAnotherColumn) {
  Column column = integers({1});
  column.append_unchanged();
  column.append_unchanged();
  Column stored = integers({7});
  stored.append_null();
  column.fill_from(1, stored, 0);
  EXPECT_EQ(column.get<std::int32_t>(1), 7);
  EXPECT_FALSE(column.all_present());
  column.fill_from(2, stored, 1);
  EXPECT_EQ(column.state(2), ValueState::Null);
}

TEST(Column, CopiesListsWithTheirElements) {
  Column from(list_of_integers), to(list_of_integers);
  append_list(from, {1, 2});
  append_list(from, {});
  append_list(from, {3});
  append_list(to, {9});
  to.append_from(from, 2);
  to.append_from(from, 0);
  to.append_from(from, 1);
  EXPECT_EQ(list_at(to, 1), Values({3}));
  EXPECT_EQ(list_at(to, 2), Values({1, 2}));
  EXPECT_EQ(list_at(to, 3), Values());
}

TEST(Column, DropsListsWithTheirElements) {
  Column lists(list_of_integers);
  append_list(lists, {1, 2});
  lists.append_null();
  append_list(lists, {3, 4});
  lists.child().append(std::int32_t{5});  // of a list that never came
  lists.drop_to(2);
  EXPECT_EQ(lists.child().size(), 2U);
  lists.drop_to(0);
  EXPECT_EQ(lists.child().size(), 0U);
}

TEST(Column, DroppingKeepsTheElementsOfListsThatWereFilledLater) {
  Column lists(list_of_integers), stored(list_of_integers);
  append_list(stored, {7, 8, 9});
  lists.append_unchanged();
  append_list(lists, {1});
  append_list(lists, {2});
  lists.fill_from(0, stored, 0);
  lists.drop_to(2);
  EXPECT_EQ(list_at(lists, 0), Values({7, 8, 9}));
  EXPECT_EQ(list_at(lists, 1), Values({1}));
  EXPECT_EQ(lists.child().size(), 5U);
}

TEST(Column, ClearedItIsEmptyAndUsable) {
  Column lists(list_of_integers);
  append_list(lists, {1, 2});
  lists.append_null();
  lists.clear();
  EXPECT_EQ(lists.size(), 0U);
  EXPECT_EQ(lists.child().size(), 0U);
  EXPECT_TRUE(lists.all_present());
  append_list(lists, {3});
  EXPECT_EQ(list_at(lists, 0), Values({3}));
}

TEST(ColumnDeathTest, AValueOfAnotherWidthAborts) {
  Column column({TypeKind::Int32});
  EXPECT_DEATH(column.append(std::int64_t{1}), "a promise was broken");
}

}  // namespace
}  // namespace freshet
