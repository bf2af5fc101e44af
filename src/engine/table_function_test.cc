#include "engine/table_function.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/scratch_database.h"

namespace freshet::engine {
namespace {

std::vector<RelationColumn> two_columns() {
  return {{"n", {TypeKind::Int64}}, {"name", {TypeKind::Text}}};
}

// `count` rows; every third name is null.
RelationRows rows_up_to(std::int64_t count) {
  RelationRows rows;
  rows.columns.emplace_back(Type{TypeKind::Int64});
  rows.columns.emplace_back(Type{TypeKind::Text});
  for (std::int64_t n = 0; n < count; ++n) {
    rows.columns[0].append(n);
    if (n % 3 == 0) {
      rows.columns[1].append_null();
      continue;
    }
    rows.keep.push_back(
        std::make_shared<const std::string>("the name of number " + std::to_string(n)));
    rows.columns[1].append_string(*rows.keep.back());
  }
  return rows;
}

TEST(Relation, MakesItsRowsAtEachUse) {
  ScratchDatabase scratch;
  std::int64_t calls = 0;
  ASSERT_TRUE(register_relation(scratch.database(), "numbers", two_columns(),
                                [&]() -> Result<RelationRows> { return rows_up_to(++calls); })
                  .ok());
  EXPECT_EQ(scratch.text("SELECT count(*) FROM numbers()"), "1");
  EXPECT_EQ(scratch.text("SELECT count(*) FROM numbers()"), "2");
}

TEST(Relation, HasMoreRowsThanAChunk) {
  ScratchDatabase scratch;
  ASSERT_TRUE(
      register_relation(scratch.database(), "numbers", two_columns(), []() -> Result<RelationRows> {
        return rows_up_to(10000);
      }).ok());
  EXPECT_EQ(scratch.text("SELECT count(*) || ',' || sum(n) || ',' || count(name) FROM numbers()"),
            "10000,49995000,6666");
  EXPECT_EQ(scratch.text("SELECT count(*) FROM numbers() WHERE name = 'the name of number ' || n"),
            "6666");
  EXPECT_EQ(scratch.text("SELECT name FROM numbers() WHERE n = 9998"), "the name of number 9998");
}

TEST(Relation, CanStandBehindAViewOnEveryConnection) {
  ScratchDatabase scratch;
  ASSERT_TRUE(
      register_relation(scratch.database(), "numbers", two_columns(), []() -> Result<RelationRows> {
        return rows_up_to(3);
      }).ok());
  scratch.run("CREATE SCHEMA freshet; CREATE VIEW freshet.numbers AS SELECT * FROM numbers()");
  const auto other = scratch.connect();
  EXPECT_EQ(
      ScratchDatabase::must(other->query("SELECT name FROM freshet.numbers WHERE n = 1"))[0][0],
      "the name of number 1");
}

TEST(Relation, PassesItsErrorOn) {
  ScratchDatabase scratch;
  ASSERT_TRUE(
      register_relation(scratch.database(), "broken", two_columns(), []() -> Result<RelationRows> {
        return Error{.message = "no luck"};
      }).ok());
  const auto rows = scratch.connection().query("SELECT * FROM broken()");
  ASSERT_FALSE(rows.ok());
  EXPECT_NE(rows.error().message.find("no luck"), std::string::npos);
}

TEST(Relation, MayBeEmpty) {
  ScratchDatabase scratch;
  ASSERT_TRUE(
      register_relation(scratch.database(), "numbers", two_columns(), []() -> Result<RelationRows> {
        return rows_up_to(0);
      }).ok());
  EXPECT_EQ(scratch.text("SELECT count(*) FROM numbers()"), "0");
}

}  // namespace
}  // namespace freshet::engine
