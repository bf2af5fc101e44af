#include "query/rockset_forms.h"

#include <gtest/gtest.h>

#include "query/rewrite.h"

namespace freshet::query {
namespace {

std::string rewritten(std::string_view sql) {
  return rewrite(sql, tokenize(sql), {}).sql;
}

TEST(RocksetForms, AreSpelledAsTheEngineDoes) {
  for (const auto& [sql, expected] : std::vector<std::pair<const char*, const char*>>{
           {"select * except (a, b) from t", "select * EXCLUDE (a, b) from t"},
           {"select t.* EXCEPT(a) from t", "select t.* EXCLUDE(a) from t"},
           {"select static_cast(x as int), TRY_STATIC_CAST(y as int)",
            "select CAST(x as int), TRY_CAST(y as int)"},
           {"select x is undefined, x is not UNDEFINED", "select x is NULL, x is not NULL"},
           {"select current_timestamp(), date(2020, 1, 2)",
            "select \"current_timestamp\"(), date_of(2020, 1, 2)"},
           {"select PG_ARRAY_PARSE(a, 'int[]')", "select CAST(pg_array_text(a) AS BIGINT[])"},
           {"select pg_array_parse(j->>'a', 'string[][]')",
            "select CAST(pg_array_text((j->>'a')) AS VARCHAR[][])"},
           {"select id from t HINT(access_path = index_filter) where a",
            "select id from t  where a"}}) {
    EXPECT_EQ(rewritten(sql), expected);
  }
}

TEST(RocksetForms, WhatOnlyLooksLikeThemStays) {
  for (const char* sql :
       {"select a * except_(1)", "select * from t except (select 1)", "select '* except (a)'",
        "select count(*) except (select 1)", "select date '2020-01-01', x::timestamp(3)",
        "select cast(x as time(0))", "select undefined from t", "select hint(1)",
        "select pg_array_parse(a, t)", "select pg_array_parse(a, 'point[]')", "select t.date(1)"}) {
    EXPECT_EQ(rewritten(sql), sql);
  }
}

TEST(RocksetForms, NamesWhatIsUnnested) {
  EXPECT_EQ(rewritten("select c.l from t, unnest(t.a as l) as c"),
            "select c.l from t, unnest(list_concat(t.a )) as c(l)");
  EXPECT_EQ(rewritten("from t cross join unnest(f(a, 1) as l with ordinality as n) c where true"),
            "from t cross join unnest(list_concat(f(a, 1) )) WITH ORDINALITY c(l, n) where true");
  EXPECT_EQ(rewritten("from t, unnest(a as l) where l > 1"),
            "from t, unnest(list_concat(a )) AS unnested(l) where l > 1");
  EXPECT_EQ(rewritten("select unnest(a), unnest(cast(b as int[]))"),
            "select unnest(a), unnest(cast(b as int[]))");
}

}  // namespace
}  // namespace freshet::query
