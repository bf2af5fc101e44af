#include "engine/json_path.h"

#include <gtest/gtest.h>

#include "engine/scratch_database.h"

namespace freshet::engine {
namespace {

// The statement with a cast at the place, or as it was.
std::string mended(std::string sql, const std::string& message) {
  if (const auto place = path_into_jsonb(sql, Error{.message = message})) {
    sql.insert(place->end, behind_jsonb);
    sql.insert(place->begin, before_jsonb);
  }
  return sql;
}

std::string no_struct(const std::string& field, const std::string& expression) {
  return "Cannot extract field '" + field + "' from expression \"" + expression +
         "\" because it is not a struct, union, map, or json";
}

TEST(JsonPath, CastsWhatAFieldIsTakenFrom) {
  EXPECT_EQ(mended("SELECT b.user.name FROM t", no_struct("user", "b")),
            "SELECT (CAST(b AS JSON)).user.name FROM t");
  EXPECT_EQ(mended("SELECT 'b.user', \"b.user\", t.B.\"User\" FROM t", no_struct("User", "b")),
            "SELECT 'b.user', \"b.user\", (CAST(t.B AS JSON)).\"User\" FROM t");
  for (const char* sql : {"SELECT b.other FROM t", "SELECT 'b.user", "SELECT b. user", ""}) {
    EXPECT_EQ(mended(sql, no_struct("user", "b")), sql);
  }
  EXPECT_EQ(mended("SELECT b.user", "something else"), "SELECT b.user");
}

TEST(JsonPath, ElementsCountFromOne) {
  ScratchDatabase scratch;
  const auto element = [&](const std::string& json, const std::string& place) {
    return scratch.text("SELECT CAST(list_extract(CAST('" + json + "' AS JSON), " + place +
                        ") AS VARCHAR)");
  };
  EXPECT_EQ(element("[1, \"a,]\", {\"k\": [2, 3]}, [4, 5]]", "1"), "1");
  EXPECT_EQ(element("[1, \"a,]\\\"\", {\"k\": [2, 3]}, [4, 5]]", "2"), "\"a,]\\\"\"");
  EXPECT_EQ(element("[1, \"a,]\", {\"k\": [2, 3]}, [4, 5]]", "3"), "{\"k\": [2, 3]}");
  EXPECT_EQ(element("[1, [4, 5]]", "-1"), "[4, 5]");
  for (const char* place : {"0", "3", "-3", "NULL::BIGINT"}) {
    EXPECT_EQ(element("[1, 2]", place), "NULL") << place;
  }
  EXPECT_EQ(element("{\"a\": 1}", "1"), "NULL");
  EXPECT_EQ(element("[]", "1"), "NULL");
  EXPECT_EQ(scratch.text("SELECT list_extract(['a', 'b'], 2) || list_extract('xyz', 1)"), "bx");
}

TEST(JsonPath, AnArrayIsAListOfJson) {
  ScratchDatabase scratch;
  const auto list = [&](const std::string& json) {
    return scratch.text("SELECT CAST(list_concat(CAST('" + json + "' AS JSON)) AS VARCHAR)");
  };
  EXPECT_EQ(list("[1, \"a\", [2]]"), "[1, \"a\", [2]]");
  EXPECT_EQ(list("[]"), "[]");
  EXPECT_EQ(list("7"), "[]");
  EXPECT_EQ(scratch.text("SELECT list_concat(['a'], ['b'])"), "[a, b]");
}

}  // namespace
}  // namespace freshet::engine
