#include "engine/numeric_value.h"

#include <gtest/gtest.h>

#include <string>

#include "engine/scratch_database.h"

namespace freshet::engine {
namespace {

class NumericValue : public testing::Test {
 protected:
  void SetUp() override {
    scratch.run(
        "CREATE TABLE stored(id INTEGER, n NUMERIC_TEXT); INSERT INTO stored VALUES (1, '1.49'), "
        "(2, '1.5'), (3, '1.50'), (4, '100'), (5, '20'), (6, '-3.25'), (7, '1.44'), (8, NULL);"
        "CREATE VIEW t AS SELECT id, CAST(n AS NUMERIC_VALUE) AS n FROM stored");
  }
  std::string ids(const std::string& condition) {
    return scratch.text("SELECT list(id ORDER BY id) FROM t WHERE " + condition);
  }
  std::string sqlstate(const std::string& sql) {
    const auto rows = scratch.connection().query(sql);
    return rows.ok() ? "" : rows.error().sqlstate;
  }
  ScratchDatabase scratch;
};

TEST_F(NumericValue, ComparesWithOtherNumbersWithoutRounding) {
  EXPECT_EQ(ids("n > 1.4"), "[1, 2, 3, 4, 5, 7]");
  EXPECT_EQ(ids("n = 1.5"), "[2, 3]");
  EXPECT_EQ(ids("n > 1"), "[1, 2, 3, 4, 5, 7]");
  EXPECT_EQ(ids("n BETWEEN 1.4 AND 1.45"), "[7]");
  EXPECT_EQ(ids("n IN (1.44, 20, 7)"), "[5, 7]");
  EXPECT_EQ(ids("n = 20::HUGEINT OR n = 1.49::DOUBLE"), "[1, 5]");
  EXPECT_EQ(ids("n < '1.45'"), "[6, 7]");
  EXPECT_EQ(ids("n < id"), "[2, 3, 6, 7]");
}

TEST_F(NumericValue, SortsAndGroupsAsNumbers) {
  EXPECT_EQ(scratch.text("SELECT list(id ORDER BY n, id) FROM t WHERE n IS NOT NULL"),
            "[6, 7, 1, 2, 3, 5, 4]");
  EXPECT_EQ(scratch.text("SELECT count(DISTINCT n) FROM t"), "6");
  EXPECT_EQ(scratch.text("SELECT CAST(max(n) AS VARCHAR) FROM t"), "100");
  EXPECT_EQ(scratch.text("SELECT count(*) FROM t a JOIN t b ON a.n = b.n WHERE a.id < b.id"), "1");
}

TEST_F(NumericValue, ComputesExactly) {
  EXPECT_EQ(scratch.text("SELECT CAST(n + 1 AS VARCHAR) FROM t WHERE id = 1"), "2.49");
  EXPECT_EQ(scratch.text("SELECT CAST(2.5 * n - n / 2 AS VARCHAR) FROM t WHERE id = 1"), "2.98");
  EXPECT_EQ(scratch.text("SELECT CAST(-n % 2 AS VARCHAR) FROM t WHERE id = 6"), "1.25");
  EXPECT_EQ(
      scratch.text("SELECT CAST(round(n) AS VARCHAR) || CAST(round(n, 1) AS VARCHAR) || "
                   "CAST(floor(n) AS VARCHAR) || CAST(ceil(n) AS VARCHAR) FROM t WHERE id = 6"),
      "-3-3.3-4-3");
  EXPECT_EQ(scratch.text("SELECT CAST(numeric_sum(n) AS VARCHAR) FROM t"), "122.68");
  EXPECT_EQ(scratch.text("SELECT CAST(numeric_avg(n) AS VARCHAR) FROM t WHERE id < 3"), "1.495");
  EXPECT_EQ(scratch.text("SELECT numeric_sum(n) FROM t WHERE id = 8"), "NULL");
  EXPECT_EQ(scratch.text("SELECT to_json(n) FROM t WHERE id = 3"), "1.5");
}

TEST_F(NumericValue, RefusesWhatItCannotDoExactly) {
  EXPECT_EQ(sqlstate("SELECT n / 0 FROM t"), "22012");
  EXPECT_EQ(sqlstate("SELECT '1e37'::NUMERIC_VALUE * n FROM t WHERE id = 4"), "22003");
  EXPECT_EQ(sqlstate("SELECT 'x'::NUMERIC_VALUE"), "22P02");
  EXPECT_EQ(sqlstate("SELECT n::TINYINT FROM (SELECT '1000'::NUMERIC_VALUE AS n)"), "22003");
  EXPECT_EQ(sqlstate("SELECT n::DECIMAL(3,2) FROM t WHERE id = 4"), "22003");
  // No function of floating point takes it unasked.
  EXPECT_EQ(sqlstate("SELECT sum(n) FROM t"), "42883");
  EXPECT_EQ(sqlstate("SELECT sqrt(n) FROM t"), "42883");
}

TEST_F(NumericValue, CastsToAndFromOtherNumbers) {
  EXPECT_EQ(scratch.text("SELECT n::INTEGER || '|' || n::DOUBLE || '|' || n::DECIMAL(10,1) FROM t "
                         "WHERE id = 6"),
            "-3|-3.25|-3.3");
  EXPECT_EQ(scratch.text("SELECT TRY_CAST('1e30'::NUMERIC_VALUE AS INTEGER)"), "NULL");
  EXPECT_EQ(scratch.text("SELECT CAST(CAST(0.1::DOUBLE AS NUMERIC_VALUE) AS VARCHAR)"), "0.1");
  EXPECT_EQ(scratch.text("SELECT CAST(CAST(-12.50::DECIMAL(4,2) AS NUMERIC_VALUE) AS VARCHAR)"),
            "-12.5");
}

// Numbers of other types go on as if this one were not there.
TEST_F(NumericValue, LeavesOtherNumbersAlone) {
  EXPECT_EQ(scratch.text("SELECT system.main.typeof(1 + 2.5) || system.main.typeof(1.5 * 1.5) || "
                         "system.main.typeof(1 + 1)"),
            "DECIMAL(12,1)DECIMAL(4,2)INTEGER");
  EXPECT_EQ(scratch.text("SELECT system.main.typeof(sum(x)) || system.main.typeof(round(2.5)) FROM "
                         "(SELECT 1.5 AS x)"),
            "DECIMAL(38,1)DECIMAL(2,0)");
  EXPECT_EQ(scratch.text("SELECT system.main.typeof(NULL + 1), system.main.typeof(abs(-1.5))"),
            "INTEGER");
}

}  // namespace
}  // namespace freshet::engine
