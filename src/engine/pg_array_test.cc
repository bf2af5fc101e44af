#include "engine/pg_array.h"

#include <gtest/gtest.h>

namespace freshet::engine {
namespace {

TEST(PgArray, BecomesAListOfTheEngine) {
  EXPECT_EQ(list_text("{}"), "[]");
  EXPECT_EQ(list_text("{1,2}"), "['1', '2']");
  EXPECT_EQ(list_text(" { 1 , NULL , null } "), "['1', NULL, NULL]");
  EXPECT_EQ(list_text(R"({"NULL","","a b","c\"d","e\\f"})"),
            R"(['NULL', '', 'a b', 'c"d', 'e\\f'])");
  EXPECT_EQ(list_text("{it's}"), R"(['it\'s'])");
  EXPECT_EQ(list_text("{a\\,b}"), "['a,b']");
  EXPECT_EQ(list_text("{{1,2},{3,NULL}}"), "[['1', '2'], ['3', NULL]]");
  EXPECT_EQ(list_text("[0:1][1:1]={{5},{6}}"), "[['5'], ['6']]");
}

TEST(PgArray, IsRefusedWhereItIsNone) {
  for (const char* text : {"", "1,2", "{", "{1", "{1,", "{1,}", "{1}}", "{,1}", "{1}x", "{\"a}",
                           "{\"a\"b}", "[0:1]", "{a{b}}", "{1\\", "{{{{{{{1}}}}}}}"}) {
    EXPECT_EQ(list_text(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace freshet::engine
