#include "engine/appender.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "engine/scratch_database.h"
#include "engine/sql_value.h"
#include "model/column.h"

namespace freshet::engine {
namespace {

// A value as 16 bytes, low half first.
struct Wide {
  std::uint64_t low = 0;
  std::int64_t high = 0;
};

constexpr const char* long_text = "a text that is too long to lie inside";

// Appends the same two values and a null between them, whatever the type.
template <typename T>
Column column_of(Type type, const T& one, const T& two) {
  Column column(type);
  column.append(one);
  column.append_null();
  column.append(two);
  return column;
}
Column column_of(Type type, const char* one, const char* two) {
  Column column(type);
  column.append_string(one);
  column.append_null();
  column.append_string(two);
  return column;
}

struct RoundTrip {
  const char* name;
  Column (*make)();
  std::vector<const char*> texts;  // of the two values
};

Type decimal(std::uint8_t precision, std::uint8_t scale) {
  return {.kind = TypeKind::Decimal, .precision = precision, .scale = scale};
}
Type list_of(TypeKind element) {
  return {.kind = TypeKind::List, .element = element};
}

// {1, NULL, 2} and {}.
template <typename T>
Column list_column(Type type, const T& one, const T& two) {
  Column column(type);
  column.child().append(one);
  column.child().append_null();
  column.child().append(two);
  column.append(ListRef{0, 3});
  column.append_null();
  column.append(ListRef{3, 0});
  return column;
}

const RoundTrip round_trips[] = {
    {"Bool", [] { return column_of({TypeKind::Bool}, true, false); }, {"true", "false"}},
    {"Int16",
     [] { return column_of<std::int16_t>({TypeKind::Int16}, -32768, 32767); },
     {"-32768", "32767"}},
    {"Int32",
     [] { return column_of<std::int32_t>({TypeKind::Int32}, INT32_MIN, INT32_MAX); },
     {"-2147483648", "2147483647"}},
    {"Int64",
     [] { return column_of<std::int64_t>({TypeKind::Int64}, INT64_MIN, INT64_MAX); },
     {"-9223372036854775808", "9223372036854775807"}},
    {"Float32", [] { return column_of({TypeKind::Float32}, -1.5f, 1e20f); }, {"-1.5", "1e+20"}},
    {"Float64", [] { return column_of({TypeKind::Float64}, -0.1, 1e300); }, {"-0.1", "1e+300"}},
    {"Decimal4",
     [] { return column_of<std::int16_t>(decimal(4, 2), -123, 9999); },
     {"-1.23", "99.99"}},
    {"Decimal9",
     [] { return column_of<std::int32_t>(decimal(9, 2), -5, 123456789); },
     {"-0.05", "1234567.89"}},
    {"Decimal18", [] { return column_of<std::int64_t>(decimal(18, 0), -1, 999); }, {"-1", "999"}},
    {"Decimal38",
     [] {
       return column_of<Wide>(decimal(38, 2), {static_cast<std::uint64_t>(-150), -1}, {0, 1});
     },
     {"-1.50", "184467440737095516.16"}},
    {"Numeric",
     [] { return column_of({TypeKind::Numeric}, "1.50", "123456789012345678901234567890.12345"); },
     {"1.50", "123456789012345678901234567890.12345"}},
    {"Text", [] { return column_of({TypeKind::Text}, "", long_text); }, {"", long_text}},
    {"Uuid",
     [] {
       return column_of<Wide>({TypeKind::Uuid}, {1, INT64_MIN},
                              {0xbbbbccccddddeeee, 0x2aaa111122223333});
     },
     {"00000000-0000-0000-0000-000000000001", "aaaa1111-2222-3333-bbbb-ccccddddeeee"}},
    {"Json", [] { return column_of({TypeKind::Json}, "{ }", "[1, 2]"); }, {"{ }", "[1, 2]"}},
    {"Jsonb",
     [] { return column_of({TypeKind::Jsonb}, "{\"a\": {\"b\": [1]}}", "1"); },
     {"{\"a\": {\"b\": [1]}}", "1"}},
    {"Date",
     [] { return column_of<std::int32_t>({TypeKind::Date}, -1, INT32_MAX); },
     {"1969-12-31", "infinity"}},
    {"Time",
     [] { return column_of<std::int64_t>({TypeKind::Time}, 1, 86400000000); },
     {"00:00:00.000001", "24:00:00"}},
    {"Timestamp",
     [] { return column_of<std::int64_t>({TypeKind::Timestamp}, -1, INT64_MAX); },
     {"1969-12-31 23:59:59.999999", "infinity"}},
    {"TimestampTz",
     [] { return column_of<std::int64_t>({TypeKind::TimestampTz}, 0, -INT64_MAX); },
     {"1970-01-01 00:00:00+00", "-infinity"}},
    {"Interval",
     [] {
       return column_of<Interval>({TypeKind::Interval}, {14, -3, 1000000}, {0, 0, 0});
     },
     {"1 year 2 months -3 days 00:00:01", "00:00:00"}},
    {"Bytes", [] { return column_of({TypeKind::Bytes}, "ab\x01", ""); }, {"ab\\x01", ""}},
    {"ListOfInt64",
     [] { return list_column<std::int64_t>(list_of(TypeKind::Int64), 1, 2); },
     {"[1, NULL, 2]", "[]"}},
    {"ListOfText",
     [] {
       return list_column<StringRef>(list_of(TypeKind::Text), {long_text, 37}, {"b", 1});
     },
     {"[a text that is too long to lie inside, NULL, b]", "[]"}},
    {"ListOfDecimal",
     [] {
       Type type = decimal(9, 2);
       type.kind = TypeKind::List;
       type.element = TypeKind::Decimal;
       return list_column<std::int32_t>(type, 150, -1);
     },
     {"[1.50, NULL, -0.01]", "[]"}},
    {"ListOfNumeric",
     [] {
       return list_column<StringRef>(list_of(TypeKind::Numeric), {"1.50", 4}, {"-1", 2});
     },
     {"[1.50, NULL, -1]", "[]"}},
    {"ListOfJsonb",
     [] {
       return list_column<StringRef>(list_of(TypeKind::Jsonb), {"{}", 2}, {"[]", 2});
     },
     {"['{}', NULL, '[]']", "[]"}},
};

class EveryType : public testing::TestWithParam<RoundTrip> {};

TEST_P(EveryType, ComesBackAsItWas) {
  const Column column = GetParam().make();
  ScratchDatabase scratch;
  scratch.run("CREATE TABLE t(c " + sql_name(column.type()) + ")");
  Appender appender =
      ScratchDatabase::must(Appender::open(scratch.connection(), "main", "t", {column.type()}));
  ASSERT_TRUE(appender.append({&column, 1}, 0, 3).ok());
  const std::uint32_t last_two[] = {2, 1};
  ASSERT_TRUE(appender.append_selected({&column, 1}, last_two).ok());
  ASSERT_TRUE(appender.flush().ok());
  scratch.reopen();
  const TextRows rows =
      ScratchDatabase::must(scratch.connection().query("SELECT c FROM t ORDER BY rowid"));
  const std::string one = GetParam().texts[0];
  const std::string two = GetParam().texts[1];
  const TextRows expected = {{one}, {std::nullopt}, {two}, {two}, {std::nullopt}};
  EXPECT_EQ(rows, expected);
}

// Through a view, as collections use it.
TEST_P(EveryType, IsTheSameWrittenAsSql) {
  const Column column = GetParam().make();
  ScratchDatabase scratch;
  scratch.run("CREATE TABLE t(c " + sql_name(column.type()) + ")");
  Appender appender =
      ScratchDatabase::must(Appender::open(scratch.connection(), "main", "t", {column.type()}));
  ASSERT_TRUE(appender.append({&column, 1}, 0, 3).ok());
  ASSERT_TRUE(appender.flush().ok());
  for (std::size_t row = 0; row < 3; ++row) {
    const std::string sql = sql_value(column, row);
    scratch.run("CREATE OR REPLACE VIEW v AS SELECT c, " + sql +
                " AS written FROM t WHERE rowid = " + std::to_string(row));
    EXPECT_EQ(
        scratch.text("SELECT written IS NOT DISTINCT FROM c AND typeof(written) = typeof(c) AND "
                     "written::VARCHAR IS NOT DISTINCT FROM c::VARCHAR FROM v"),
        "true")
        << sql;
  }
}

INSTANTIATE_TEST_SUITE_P(Appender, EveryType, testing::ValuesIn(round_trips),
                         [](const auto& test) { return test.param.name; });

// A table (id BIGINT, name VARCHAR, tags VARCHAR[]) and many rows for it.
class ManyRows : public testing::Test {
 protected:
  void SetUp() override {
    scratch.run("CREATE TABLE t(id BIGINT, name VARCHAR, tags VARCHAR[])");
    columns.emplace_back(Type{TypeKind::Int64});
    columns.emplace_back(Type{TypeKind::Text});
    columns.emplace_back(list_of(TypeKind::Text));
    for (std::int64_t id = 0; id < 10000; ++id) {
      names.push_back("the name of row " + std::to_string(id));
    }
    for (std::size_t id = 0; id < 10000; ++id) {
      columns[0].append(static_cast<std::int64_t>(id));
      columns[1].append_string(names[id]);
      const std::uint64_t begin = columns[2].child().size();
      for (std::size_t tag = 0; tag < id % 3; ++tag) columns[2].child().append_string(names[id]);
      columns[2].append(ListRef{begin, id % 3});
    }
  }
  Appender appender() {
    return ScratchDatabase::must(
        Appender::open(scratch.connection(), "main", "t",
                       {{TypeKind::Int64}, {TypeKind::Text}, list_of(TypeKind::Text)}));
  }
  std::string broken_rows() {
    return scratch.text(
        "SELECT count(*) FROM t WHERE name <> 'the name of row ' || id OR len(tags) <> id % 3 "
        "OR (id % 3 > 0 AND tags[1] <> name)");
  }

  ScratchDatabase scratch;
  std::vector<std::string> names;
  std::vector<Column> columns;
};

TEST_F(ManyRows, CrossTheBordersOfChunks) {
  Appender appending = appender();
  ASSERT_TRUE(appending.append(columns, 0, 10000).ok());
  ASSERT_TRUE(appending.flush().ok());
  EXPECT_EQ(scratch.text("SELECT count(*) FROM t WHERE id = rowid"), "10000");
  EXPECT_EQ(broken_rows(), "0");
}

TEST_F(ManyRows, AreAppendedInTheOrderOfTheSelection) {
  std::vector<std::uint32_t> backwards(10000);
  std::iota(backwards.rbegin(), backwards.rend(), 0u);
  Appender appending = appender();
  ASSERT_TRUE(appending.append_selected(columns, backwards).ok());
  ASSERT_TRUE(appending.flush().ok());
  EXPECT_EQ(scratch.text("SELECT count(*) FROM t WHERE id = 9999 - rowid"), "10000");
  EXPECT_EQ(broken_rows(), "0");
}

TEST_F(ManyRows, KeepDenseRowIdsOverRollbacksAndCheckpoints) {
  for (int round = 0; round < 6; ++round) {
    ASSERT_TRUE(scratch.connection().begin().ok());
    {
      Appender appending = appender();
      ASSERT_TRUE(appending.append(columns, 0, 3333).ok());
      ASSERT_TRUE(appending.flush().ok());
    }
    if (round % 2 == 0) {
      ASSERT_TRUE(scratch.connection().commit().ok());
    } else {
      scratch.connection().rollback();
      ASSERT_TRUE(scratch.database().checkpoint().ok());
    }
  }
  EXPECT_EQ(scratch.text("SELECT count(*) || ',' || min(rowid) || ',' || max(rowid) FROM t"),
            "9999,0,9998");
  EXPECT_EQ(scratch.text("SELECT count(*) FROM t WHERE rowid % 3333 <> id"), "0");
}

TEST_F(ManyRows, ThatWereNotFlushedNeverArrive) {
  ASSERT_TRUE(scratch.connection().begin().ok());
  {
    Appender appending = appender();
    ASSERT_TRUE(appending.append(columns, 0, 100).ok());
    scratch.connection().rollback();
  }
  EXPECT_EQ(scratch.text("SELECT count(*) FROM t"), "0");
}

TEST_F(ManyRows, AreVisibleToTheirOwnTransactionOnceFlushed) {
  ASSERT_TRUE(scratch.connection().begin().ok());
  Appender appending = appender();
  ASSERT_TRUE(appending.append(columns, 0, 100).ok());
  ASSERT_TRUE(appending.flush().ok());
  EXPECT_EQ(scratch.text("SELECT count(*) FROM t"), "100");
  ASSERT_TRUE(appending.append(columns, 100, 200).ok());
  ASSERT_TRUE(appending.flush().ok());
  ASSERT_TRUE(scratch.connection().commit().ok());
  EXPECT_EQ(scratch.text("SELECT count(*) FROM t WHERE id = rowid"), "200");
}

TEST_F(ManyRows, CanBeAppendedOverManyTransactionsByOneAppender) {
  Appender appending = appender();
  for (std::size_t row = 0; row < 50; ++row) {
    ASSERT_TRUE(scratch.connection().begin().ok());
    ASSERT_TRUE(appending.append(columns, row, row + 1).ok());
    ASSERT_TRUE(appending.flush().ok());
    ASSERT_TRUE(scratch.connection().commit().ok());
  }
  EXPECT_EQ(scratch.text("SELECT count(*) FROM t WHERE id = rowid"), "50");
}

TEST(Appender, SaysWhichTableIsMissing) {
  ScratchDatabase scratch;
  const auto opened = Appender::open(scratch.connection(), "main", "nope", {});
  ASSERT_FALSE(opened.ok());
  EXPECT_NE(opened.error().message.find("main.nope"), std::string::npos);
}

TEST(Appender, RefusesATableOfOtherTypes) {
  ScratchDatabase scratch;
  scratch.run("CREATE TABLE t(a BIGINT, b JSON)");
  EXPECT_FALSE(Appender::open(scratch.connection(), "main", "t", {{TypeKind::Int64}}).ok());
  const auto opened =
      Appender::open(scratch.connection(), "main", "t", {{TypeKind::Int64}, {TypeKind::Jsonb}});
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().sqlstate, "42804");
}

}  // namespace
}  // namespace freshet::engine
