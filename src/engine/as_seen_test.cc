#include "engine/as_seen.h"

#include <gtest/gtest.h>

#include "engine/range_types.h"
#include "engine/scratch_database.h"

namespace freshet::engine {
namespace {

class AsSeen : public testing::Test {
 protected:
  // What queries see of a text, as the engine prints it.
  std::string seen(Shown shown, const std::string& text,
                   const std::vector<RecordField>& fields = {}) {
    const ColumnSchema column{
        .name = "c", .type = {.kind = TypeKind::Text, .shown = shown}, .fields = fields};
    return scratch.text("SELECT CAST(" + as_seen(scratch.connection(), column, literal(text)) +
                        " AS VARCHAR)");
  }
  std::string sqlstate(const std::string& sql) {
    const auto rows = scratch.connection().query(sql);
    return rows.ok() ? "" : rows.error().sqlstate;
  }
  ScratchDatabase scratch;
};

TEST_F(AsSeen, TextsComeBackAsTheyWere) {
  EXPECT_EQ(seen(Shown::Inet, "10.0.0.0/8"), "10.0.0.0/8");
  EXPECT_EQ(seen(Shown::Cidr, "10.0.0.1/32"), "10.0.0.1/32");
  EXPECT_EQ(seen(Shown::Lsn, "16/B374D848"), "16/B374D848");
  EXPECT_EQ(seen(Shown::Xid8, "18446744073709551615"), "18446744073709551615");
  EXPECT_EQ(seen(Shown::Money, "-$1,234.56"), "-$1,234.56");
  EXPECT_EQ(seen(Shown::Oid, "4294967295"), "4294967295");
  EXPECT_EQ(seen(Shown::Int4Range, "[1,5)"), "[1,5)");
  EXPECT_EQ(seen(Shown::TstzRange, R"(["2024-01-01 00:00:00+00",infinity))"),
            R"(["2024-01-01 00:00:00+00",infinity))");
  EXPECT_EQ(seen(Shown::NumMultirange, "{[0.5,1],(2,NaN]}"), "{[0.5,1],(2,NaN]}");
}

TEST_F(AsSeen, CompositesHaveTheirFields) {
  const std::vector<RecordField> fields{{"a b", {TypeKind::Int32}},
                                        {"since", {TypeKind::Date}},
                                        {"ip", {.kind = TypeKind::Text, .shown = Shown::Inet}},
                                        {"bytes", {TypeKind::Bytes}}};
  EXPECT_EQ(seen(Shown::Record, R"((7,"0044-03-15 BC",10.0.0.1,"\\x00ff"))", fields),
            R"({'a b': 7, 'since': '0044-03-15 (BC)', 'ip': 10.0.0.1, 'bytes': \x00\xFF})");
  EXPECT_EQ(seen(Shown::Record, "(,,,)", fields),
            "{'a b': NULL, 'since': NULL, 'ip': NULL, 'bytes': NULL}");
}

TEST_F(AsSeen, ListsAreSeenElementByElement) {
  ColumnSchema column{.name = "c",
                      .type = list_of({.kind = TypeKind::Text, .shown = Shown::Record}),
                      .fields = {{"a", {TypeKind::Int32}}}};
  EXPECT_EQ(
      scratch.text("SELECT CAST(" + as_seen(scratch.connection(), column, "['(1)', NULL, '(2)']") +
                   " AS VARCHAR)"),
      "[{'a': 1}, NULL, {'a': 2}]");
}

TEST_F(AsSeen, NullsInRangesStayNulls) {
  // Sorting reads what lies below a null.
  EXPECT_EQ(scratch.text("SELECT list(i ORDER BY i) FROM (SELECT i, CAST(CASE WHEN i % 3 = 0 THEN "
                         "'[1.5,' || (2 + i) || ')' END AS " +
                         range_type(Shown::NumRange) +
                         ") AS r FROM range(5000) AS n(i) ORDER BY i % 7) "
                         "WHERE i < 3 AND (r IS NULL) = (i % 3 <> 0)"),
            "[0, 1, 2]");
}

TEST_F(AsSeen, WhatIsNoValueIsRefused) {
  EXPECT_EQ(sqlstate("SELECT CAST('10.0.0.256' AS INET)"), "22P02");
  EXPECT_EQ(sqlstate("SELECT CAST('x' AS PG_LSN)"), "22P02");
  EXPECT_EQ(scratch.text("SELECT TRY_CAST('10.0.0.256' AS INET)"), "NULL");
}

}  // namespace
}  // namespace freshet::engine
