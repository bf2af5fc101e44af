#include "engine/connection.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "engine/scratch_database.h"

namespace freshet::engine {
namespace {

std::string first(Connection& connection, const std::string& sql) {
  return ScratchDatabase::must(connection.query(sql)).at(0).at(0).value_or("NULL");
}

TEST(Connection, BeginTakesItsSnapshotAtOnce) {
  ScratchDatabase scratch;
  scratch.run("CREATE TABLE t(id BIGINT); INSERT INTO t VALUES (1)");
  const auto reader = scratch.connect();
  ASSERT_TRUE(reader->begin().ok());
  scratch.run("INSERT INTO t VALUES (2)");
  EXPECT_EQ(first(*reader, "SELECT count(*) FROM t"), "1");
  ASSERT_TRUE(reader->commit().ok());
  EXPECT_EQ(first(*reader, "SELECT count(*) FROM t"), "2");
}

// Definitions are versioned with the rows: a view that was swapped stays what it was for those who
// began before.
TEST(Connection, BeginSeesTheCatalogOfItsMoment) {
  ScratchDatabase scratch;
  scratch.run("CREATE VIEW v AS SELECT 1 AS x");
  const auto reader = scratch.connect();
  ASSERT_TRUE(reader->begin().ok());
  scratch.run("CREATE OR REPLACE VIEW v AS SELECT 2 AS x; CREATE TABLE later(id BIGINT)");
  EXPECT_EQ(first(*reader, "SELECT x FROM v"), "1");
  EXPECT_EQ(reader->query("SELECT * FROM later").error().sqlstate, "42P01");
  reader->rollback();
  EXPECT_EQ(first(*reader, "SELECT x FROM v"), "2");
}

TEST(Connection, WritesAreInvisibleUntilTheyAreCommitted) {
  ScratchDatabase scratch;
  scratch.run("CREATE TABLE t(id BIGINT)");
  const auto writer = scratch.connect();
  ASSERT_TRUE(writer->begin().ok());
  EXPECT_TRUE(writer->in_transaction());
  ASSERT_TRUE(writer->execute("INSERT INTO t VALUES (1)").ok());
  EXPECT_EQ(scratch.text("SELECT count(*) FROM t"), "0");
  ASSERT_TRUE(writer->commit().ok());
  EXPECT_FALSE(writer->in_transaction());
  EXPECT_EQ(scratch.text("SELECT count(*) FROM t"), "1");
}

TEST(Connection, RollbackForgetsAndDoesNothingOutsideATransaction) {
  ScratchDatabase scratch;
  scratch.run("CREATE TABLE t(id BIGINT)");
  scratch.connection().rollback();
  ASSERT_TRUE(scratch.connection().begin().ok());
  scratch.run("INSERT INTO t VALUES (1)");
  scratch.connection().rollback();
  EXPECT_FALSE(scratch.connection().in_transaction());
  EXPECT_EQ(scratch.text("SELECT count(*) FROM t"), "0");
}

TEST(Connection, CanBeUsedAgainAfterACommitThatFailed) {
  ScratchDatabase scratch;
  ASSERT_TRUE(scratch.connection().begin().ok());
  EXPECT_EQ(scratch.connection().execute("SELECT 'x'::INTEGER").error().sqlstate, "22P02");
  EXPECT_EQ(scratch.connection().execute("SELECT 1").error().sqlstate, "25P02");
  EXPECT_FALSE(scratch.connection().commit().ok());
  EXPECT_FALSE(scratch.connection().in_transaction());
  ASSERT_TRUE(scratch.connection().begin().ok());
  ASSERT_TRUE(scratch.connection().commit().ok());
}

TEST(Connection, BeginTwiceIsAnError) {
  ScratchDatabase scratch;
  ASSERT_TRUE(scratch.connection().begin().ok());
  EXPECT_EQ(scratch.connection().begin().error().sqlstate, "25001");
}

TEST(Connection, QueryGivesTextAndNulls) {
  ScratchDatabase scratch;
  const auto rows = scratch.connection().query(
      "SELECT * FROM (VALUES (1, 'a', NULL), (2, NULL, [1, 2])) ORDER BY 1");
  ASSERT_TRUE(rows.ok());
  const TextRows expected = {{"1", "a", std::nullopt}, {"2", std::nullopt, "[1, 2]"}};
  EXPECT_EQ(*rows, expected);
}

TEST(Connection, QuotesWhatItIsGiven) {
  EXPECT_EQ(quoted("a\"b"), "\"a\"\"b\"");
  EXPECT_EQ(literal("it's"), "'it''s'");
  ScratchDatabase scratch;
  EXPECT_EQ(scratch.text("SELECT " + literal("it's \\n") + " AS " + quoted("\"")), "it's \\n");
}

}  // namespace
}  // namespace freshet::engine
