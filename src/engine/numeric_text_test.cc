#include "engine/numeric_text.h"

#include <gtest/gtest.h>

#include <string>

#include "engine/scratch_database.h"

namespace freshet::engine {
namespace {

class NumericText : public testing::Test {
 protected:
  void SetUp() override {
    scratch.run(
        "CREATE TABLE whole(n NUMERIC_TEXT); INSERT INTO whole VALUES ('-3.00'), ('10'), (NULL);"
        "CREATE TABLE broken(n NUMERIC_TEXT); INSERT INTO broken VALUES ('1.2'), ('10')");
  }
  std::string sqlstate(const std::string& sql) {
    const auto rows = scratch.connection().query(sql);
    return rows.ok() ? "" : rows.error().sqlstate;
  }
  ScratchDatabase scratch;
};

TEST_F(NumericText, ComparesWholeNumbersWithIntegers) {
  EXPECT_EQ(scratch.text("SELECT list(n) FROM whole WHERE n > 1"), "[10]");
  EXPECT_EQ(scratch.text("SELECT list(n) FROM whole WHERE n IN (-3, 7)"), "[-3.00]");
  EXPECT_EQ(scratch.text("SELECT list(n::BIGINT ORDER BY n::BIGINT) FROM whole"), "[-3, 10, NULL]");
  EXPECT_EQ(scratch.text("SELECT sum(n::HUGEINT) FROM whole"), "7");
  EXPECT_EQ(scratch.text("SELECT '-12345678901234567890123456789012345678'::NUMERIC_TEXT::HUGEINT"),
            "-12345678901234567890123456789012345678");
}

TEST_F(NumericText, RefusesToRoundForAComparison) {
  EXPECT_EQ(sqlstate("SELECT n FROM broken WHERE n > 1"), "22P02");
  EXPECT_EQ(sqlstate("SELECT n FROM broken WHERE n IN (1, 10)"), "22P02");
  EXPECT_EQ(sqlstate("SELECT n::INTEGER FROM broken"), "22P02");
  EXPECT_EQ(sqlstate("SELECT 'NaN'::NUMERIC_TEXT = 1"), "22P02");
  EXPECT_EQ(sqlstate("SELECT '40000'::NUMERIC_TEXT::SMALLINT"), "22P02");
}

TEST_F(NumericText, ComparesAsTheTypeItIsCastTo) {
  EXPECT_EQ(scratch.text("SELECT count(*) FROM broken WHERE n::DOUBLE > 1"), "2");
  EXPECT_EQ(scratch.text("SELECT count(*) FROM broken WHERE n::DECIMAL(20,5) > 1"), "2");
  EXPECT_EQ(scratch.text("SELECT TRY_CAST(n AS INTEGER) FROM broken ORDER BY rowid"), "NULL");
}

TEST_F(NumericText, ConvertsManyRowsBehindAFilter) {
  scratch.run(
      "CREATE TABLE many AS SELECT range AS id, "
      "CASE WHEN range % 5 = 0 THEN NULL ELSE range || '.0' END::NUMERIC_TEXT AS n "
      "FROM range(10000)");
  EXPECT_EQ(scratch.text("SELECT count(*) FROM many WHERE id % 3 = 0 AND n::BIGINT = id"), "2667");
  EXPECT_EQ(scratch.text("SELECT count(*) FROM many WHERE id % 3 = 0 AND n IS NULL"), "667");
}

}  // namespace
}  // namespace freshet::engine
