#include "engine/json_value.h"

#include <gtest/gtest.h>

#include "engine/scratch_database.h"

namespace freshet::engine {
namespace {

class JsonValue : public testing::Test {
 protected:
  std::string json(const std::string& value) {
    return scratch.text("SELECT CAST(to_json(" + value + ") AS VARCHAR)");
  }
  ScratchDatabase scratch;
};

TEST_F(JsonValue, IsTheEnginesOwnForItsTypes) {
  for (const char* value : {"true",
                            "7",
                            "-1::TINYINT",
                            "255::UTINYINT",
                            "170141183460469231731687303715884105727",
                            "0.1::DOUBLE",
                            "100::DOUBLE",
                            "'a \"b\" \\ \t\n'",
                            "chr(1)",
                            "'ä€😀'",
                            "DATE '2024-02-29'",
                            "TIME '12:00:00.5'",
                            "TIMESTAMP '2024-01-01 10:00:00.25'",
                            "TIMESTAMPTZ '2024-01-01 10:00:00+02'",
                            "INTERVAL '1 month 2 days'",
                            "'550e8400-e29b-41d4-a716-446655440000'::UUID",
                            "'\\x00ab'::BLOB",
                            "[1, NULL, 3]",
                            "[]",
                            "{'a': 1, 'b c': [{'d': NULL}]}",
                            "map(['k', 'l'], [1, 2])",
                            "map([1], ['x'])",
                            "[1, 2]::INTEGER[2]",
                            "'a'::ENUM('a', 'b')",
                            "'101'::BIT",
                            "union_value(n := 2)"}) {
    EXPECT_EQ(json(value), scratch.text(std::string("SELECT CAST(system.main.to_json(") + value +
                                        ") AS VARCHAR)"))
        << value;
  }
  EXPECT_EQ(scratch.text("SELECT to_json(NULL::INTEGER) IS NULL"), "true");
}

TEST_F(JsonValue, NumbersAndJsonStayAsTheyAre) {
  EXPECT_EQ(json("1.50"), "1.50");
  EXPECT_EQ(json("0.1::FLOAT"), "0.1");
  EXPECT_EQ(json("1e300::DOUBLE"), "1e+300");
  EXPECT_EQ(json("'NaN'::DOUBLE"), "\"NaN\"");
  EXPECT_EQ(json("'{\"a\" : 1.50}'::JSON"), R"({"a" : 1.50})");
}

TEST_F(JsonValue, TypesOfOursAreTheirTexts) {
  EXPECT_EQ(json("CAST('10.0.0.0/8' AS INET)"), "\"10.0.0.0/8\"");
  EXPECT_EQ(json("CAST('1.50' AS NUMERIC_VALUE)"), "1.5");
  EXPECT_EQ(json("CAST('NaN' AS NUMERIC_VALUE)"), "\"NaN\"");
  EXPECT_EQ(json("CAST('-Infinity' AS NUMERIC_VALUE)"), "\"-Infinity\"");
  EXPECT_EQ(json("CAST('0/A' AS PG_LSN)"), "\"0/A\"");
  EXPECT_EQ(json("CAST('label' AS ENUM_0)"), "\"label\"");
  EXPECT_EQ(json("{'ips': [CAST('::1' AS CIDR), NULL], 'n': CAST('2' AS NUMERIC_VALUE)}"),
            R"({"ips":["::1/128",null],"n":2})");
}

TEST_F(JsonValue, ReadsWhatOtherFunctionsMade) {
  scratch.run(
      "CREATE TABLE t AS SELECT i, [i, i + 1] AS l, {'a': i, 'b': [i::VARCHAR]} AS s "
      "FROM range(5000) AS r(i)");
  const std::string differences =
      "SELECT count(*) FROM (SELECT CAST(to_json({0}) AS VARCHAR) AS ours, "
      "CAST(system.main.to_json({0}) AS VARCHAR) AS theirs FROM t WHERE i % 3 = 1) "
      "WHERE ours <> theirs";
  for (const char* value :
       {"list_transform(l, lambda x: x * 2)", "l[2:]", "list_filter(l, lambda x: x % 2 = 0)", "t",
        "s.b", "CASE WHEN i % 2 = 0 THEN s END", "list_reverse(l)"}) {
    std::string sql = differences;
    for (std::size_t at = sql.find("{0}"); at != std::string::npos; at = sql.find("{0}")) {
      sql.replace(at, 3, value);
    }
    EXPECT_EQ(scratch.text(sql), "0") << value;
  }
}

}  // namespace
}  // namespace freshet::engine
