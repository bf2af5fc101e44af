#include "collection/row_key.h"

#include <gtest/gtest.h>

#include <cmath>

namespace freshet::collection {
namespace {

TableSchema schema_of(Identity identity, std::vector<Type> types, std::uint32_t pg_type = 0) {
  TableSchema schema;
  schema.identity = identity;
  for (const Type& type : types) {
    ColumnSchema& column = schema.columns.emplace_back();
    column.name = "c";
    column.type = type;
    column.pg_type = pg_type;
    column.in_key = true;
  }
  return schema;
}

template <typename T>
std::vector<Hash128> hashes(const TableSchema& schema, std::initializer_list<T> values) {
  Column column(schema.columns[0].type);
  for (const T& value : values) {
    if constexpr (std::is_convertible_v<T, std::string_view>)
      column.append_string(value);
    else
      column.append(value);
  }
  RowKeys keys(schema);
  const Column* columns[] = {&column};
  const auto result = keys.hashes(columns);
  return {result.begin(), result.end()};
}

TEST(RowKeys, WidensIntegers) {
  const TableSchema schema = schema_of(Identity::Key, {{.kind = TypeKind::Int16}});
  EXPECT_TRUE(has_integer_key(schema));
  Column column({.kind = TypeKind::Int16});
  column.append(std::int16_t{-3});
  column.append(std::int16_t{32767});
  RowKeys keys(schema);
  const auto made = keys.integers(column);
  EXPECT_EQ(std::vector<std::int64_t>(made.begin(), made.end()),
            std::vector<std::int64_t>({-3, 32767}));
}

TEST(RowKeys, TakesTextAsItIs) {
  const auto keys = hashes<std::string_view>(schema_of(Identity::Key, {{.kind = TypeKind::Text}}),
                                             {"a", "a ", "a"});
  EXPECT_NE(keys[0], keys[1]);
  EXPECT_EQ(keys[0], keys[2]);
}

TEST(RowKeys, IgnoresThePaddingOfChar) {
  const auto keys = hashes<std::string_view>(
      schema_of(Identity::Key, {{.kind = TypeKind::Text}}, 1042), {"a", "a   ", " a", "   "});
  EXPECT_EQ(keys[0], keys[1]);
  EXPECT_NE(keys[0], keys[2]);
}

TEST(RowKeys, ComparesNumericsByValueInKeysAndExactlyInRows) {
  const std::initializer_list<std::string_view> values{"1.0", "1.00", "1", "10", "-0.0", "0"};
  const auto by_value = hashes(schema_of(Identity::Key, {{.kind = TypeKind::Numeric}}), values);
  EXPECT_EQ(by_value[0], by_value[1]);
  EXPECT_EQ(by_value[0], by_value[2]);
  EXPECT_NE(by_value[2], by_value[3]);
  EXPECT_EQ(by_value[4], by_value[5]);
  const auto exact = hashes(schema_of(Identity::Full, {{.kind = TypeKind::Numeric}}), values);
  EXPECT_NE(exact[0], exact[1]);
}

TEST(RowKeys, HasOneNaNAndOneZero) {
  const auto by_value = hashes<double>(schema_of(Identity::Key, {{.kind = TypeKind::Float64}}),
                                       {0.0, -0.0, std::nan("1"), -std::nan("2")});
  EXPECT_EQ(by_value[0], by_value[1]);
  EXPECT_EQ(by_value[2], by_value[3]);
  const auto exact =
      hashes<double>(schema_of(Identity::Full, {{.kind = TypeKind::Float64}}), {0.0, -0.0});
  EXPECT_NE(exact[0], exact[1]);
}

TEST(RowKeys, ComparesIntervalsAsPostgresDoes) {
  const auto keys =
      hashes<Interval>(schema_of(Identity::Key, {{.kind = TypeKind::Interval}}),
                       {Interval{.months = 1}, Interval{.days = 30}, Interval{.days = 31}});
  EXPECT_EQ(keys[0], keys[1]);
  EXPECT_NE(keys[0], keys[2]);
}

TEST(RowKeys, TellsWhereOneColumnEndsAndTheNextBegins) {
  const TableSchema schema =
      schema_of(Identity::Key, {{.kind = TypeKind::Text}, {.kind = TypeKind::Text}});
  Column first({.kind = TypeKind::Text});
  Column second({.kind = TypeKind::Text});
  const auto add = [&](std::string_view a, std::string_view b) {
    first.append_string(a);
    second.append_string(b);
  };
  add("ab", "c");
  add("a", "bc");
  first.append_null();
  second.append_string("");
  add("", "");
  RowKeys keys(schema);
  const Column* columns[] = {&first, &second};
  const auto made = keys.hashes(columns);
  EXPECT_NE(made[0], made[1]);
  EXPECT_NE(made[2], made[3]);
}

TEST(RowKeys, HashesListsByTheirElements) {
  const Type type{.kind = TypeKind::List, .element = TypeKind::Int32};
  Column column(type);
  const auto add = [&](std::initializer_list<int> values) {
    const ListRef list{column.child().size(), values.size()};
    for (const int value : values) column.child().append(std::int32_t{value});
    column.append(list);
  };
  add({1, 2});
  add({1, 2});
  add({2, 1});
  add({});
  RowKeys keys(schema_of(Identity::Full, {type}));
  const Column* columns[] = {&column};
  const auto made = keys.hashes(columns);
  EXPECT_EQ(made[0], made[1]);
  EXPECT_NE(made[0], made[2]);
  EXPECT_NE(made[2], made[3]);
}

TEST(TrimmedNumeric, KeepsTheValue) {
  std::string space;
  EXPECT_EQ(trimmed_numeric("-001.500", space), "-1.5");
  EXPECT_EQ(trimmed_numeric("100", space), "100");
  EXPECT_EQ(trimmed_numeric("0.000", space), "0");
  EXPECT_EQ(trimmed_numeric("0.010", space), "0.01");
  EXPECT_EQ(trimmed_numeric("NaN", space), "NaN");
  EXPECT_EQ(trimmed_numeric("-Infinity", space), "-Infinity");
}

}  // namespace
}  // namespace freshet::collection
