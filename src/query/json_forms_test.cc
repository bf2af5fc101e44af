#include <gtest/gtest.h>

#include "query/rewrite.h"

namespace freshet::query {
namespace {

std::string rewritten(const std::string& sql) {
  return rewrite(sql, tokenize(sql), {}).sql;
}

TEST(JsonForms, PutEveryValueThroughToJson) {
  EXPECT_EQ(rewritten("select json_object('a', x, 'b', f(y, 1))"),
            "select json_object('a', to_json(x), 'b', to_json(f(y, 1)))");
  EXPECT_EQ(rewritten("select json_array(x, [1, 2], 'c')"),
            "select json_array(to_json(x), to_json([1, 2]), to_json('c'))");
  EXPECT_EQ(rewritten("select json_array()"), "select json_array()");
}

TEST(JsonForms, KnowPostgreSQLsNames) {
  EXPECT_EQ(rewritten("select jsonb_build_object('a', json_build_array(x))"),
            "select json_object('a', to_json(json_array(to_json(x))))");
  EXPECT_EQ(rewritten("select json_agg(DISTINCT t.x ORDER BY t.x) from t"),
            "select to_json(list(DISTINCT t.x ORDER BY t.x)) from t");
  EXPECT_EQ(rewritten("select jsonb_agg(x) FILTER (WHERE x > 1) OVER (ORDER BY y) + 1 from t"),
            "select to_json(list(x) FILTER (WHERE x > 1) OVER (ORDER BY y)) + 1 from t");
  EXPECT_EQ(rewritten("select json_object_agg(k, v), to_jsonb(v) from t"),
            "select json_group_object(k, to_json(v)), to_json(v) from t");
}

TEST(JsonForms, LeaveOtherNamesAlone) {
  for (const char* sql : {"select json_agg from t", "select s.json_agg(x)", "select json_type(x)",
                          "select \"json_array\"(x)", "select json_array(x"}) {
    EXPECT_EQ(rewritten(sql), sql);
  }
}

}  // namespace
}  // namespace freshet::query
