#include "query/rewrite.h"

#include <gtest/gtest.h>

#include "query/control.h"

namespace freshet::query {
namespace {

std::string rewritten(std::string_view sql, const std::vector<std::string>& casts = {}) {
  return rewrite(sql, tokenize(sql), casts).sql;
}

std::string refusal(std::string_view sql) {
  const Result<> allowed = check_allowed(tokenize(sql));
  return allowed.ok() ? "" : allowed.error().sqlstate;
}

TEST(Rewrite, LeavesPlainQueriesAlone) {
  const std::string sql = "SELECT a, ~b, 'x ~ y' FROM t WHERE a LIKE 'x%' ORDER BY 1";
  EXPECT_EQ(rewritten(sql), sql);
}

TEST(Rewrite, SendsCatalogNamesToOurs) {
  EXPECT_EQ(rewritten("select pg_catalog.format_type(a, 1) from pg_catalog.pg_class c"),
            "select format_type(a, 1) from _catalog.pg_class c");
  EXPECT_EQ(rewritten("select * from information_schema.tables"),
            "select * from _information.tables");
  EXPECT_EQ(rewritten("select x::pg_catalog.text"), "select x::text");
  EXPECT_EQ(rewritten("select * from freshet.public.orders"), "select * from public.orders");
  EXPECT_EQ(rewritten("select freshet.tables.state"), "select freshet.tables.state");
}

TEST(Rewrite, MatchesRegularExpressionsPartially) {
  EXPECT_EQ(rewritten("select a ~ 'x', a !~* 'y'"), "select a  ~@  'x', a  !~*@  'y'");
  EXPECT_EQ(rewritten("select ~ 1"), "select ~ 1");
  EXPECT_EQ(rewritten("a OPERATOR(pg_catalog.~) 'x' COLLATE pg_catalog.default"), "a  ~@  'x' ");
}

TEST(Rewrite, ReadsArrayLiteralsWhereTheColumnIsAnArray) {
  EXPECT_EQ(rewritten("select 1 from t where t.a = '{1,\"b c\"}' and x"),
            "select 1 from t where (CASE WHEN typeof(t.a) = 'array' THEN t.a = '[''1'', ''b c'']' "
            "ELSE CAST(t.a AS VARCHAR) = '{1,\"b c\"}' END) and x");
  for (const char* sql : {"select a = '{\"k\": 1}'", "select a = '{{1}}'", "select f(a) = '{1}'"}) {
    EXPECT_EQ(rewritten(sql), sql);
  }
}

TEST(Rewrite, CountsElementsFromOne) {
  EXPECT_EQ(rewritten("select a[1], t.a[2].b[3] from t"),
            "select (list_extract(a, 1)), (list_extract((list_extract(t.a, 2)).b, 3)) from t");
  for (const char* sql : {"select x::int[3]", "select cast(x as int[3])", "select array[1]",
                          "select [1, 2][1]", "select a[1:2], a[i], a['k']"}) {
    EXPECT_EQ(rewritten(sql), sql);
  }
}

TEST(Rewrite, TurnsObjectNamesIntoOidsAndBack) {
  EXPECT_EQ(rewritten("select 'orders'::regclass"), "select _catalog.regclass_oid('orders')");
  EXPECT_EQ(rewritten("select c.oid::pg_catalog.regclass::pg_catalog.text"),
            "select _catalog.regclass_name(c.oid)::text");
}

TEST(Rewrite, GivesBackslashesInPatternsTheirMeaning) {
  EXPECT_EQ(rewritten("a LIKE 'x\\_y'"), "a LIKE 'x\\_y' ESCAPE '\\'");
  EXPECT_EQ(rewritten("a LIKE 'x\\_y' ESCAPE '#'"), "a LIKE 'x\\_y' ESCAPE '#'");
  EXPECT_EQ(rewritten("a SIMILAR TO 'x%.'"), "a SIMILAR TO 'x(?s:.*)\\.'");
}

TEST(Rewrite, KeepsTheDecimalsOfNumerics) {
  EXPECT_EQ(rewritten("select '1.505'::numeric, x::numeric, y::numeric(5,1)"),
            "select '1.505'::DECIMAL(38,3), x::DECIMAL(38,10), y::numeric(5,1)");
  EXPECT_EQ(rewritten("select CAST(x AS numeric), 1 AS numeric"),
            "select CAST(x AS DECIMAL(38,10)), 1 AS numeric");
}

TEST(Rewrite, BindsJsonArrowsTightly) {
  EXPECT_EQ(rewritten("where j->'a'->>'b' = 'c'"), "where (j->'a'->>'b') = 'c'");
  EXPECT_EQ(rewritten("where t.j #>> '{a,0}' = 'c'"), "where (t.j ->>'$.\"a\"[0]') = 'c'");
}

TEST(Rewrite, CastsParametersAndKeepsPositions) {
  const std::string sql = "select $1 + nosuch";
  const Rewritten result = rewrite(sql, tokenize(sql), {"INTEGER"});
  EXPECT_EQ(result.sql, "select CAST($1 AS INTEGER) + nosuch");
  const auto at = static_cast<int>(result.sql.find("nosuch")) + 1;
  EXPECT_EQ(result.original_position(at), static_cast<int>(sql.find("nosuch")) + 1);
}

TEST(Rewrite, NamesTheValueOfASeries) {
  EXPECT_EQ(rewritten("select s from generate_series(1, 3) s where s > 1"),
            "select s from generate_series(1, 3) s(s) where s > 1");
}

TEST(Guard, HidesWhatIsNotTheClients) {
  EXPECT_EQ(refusal("select * from _segments.s1"), "42501");
  EXPECT_EQ(refusal("select * from store.\"_segments\".s1"), "42501");
  EXPECT_EQ(refusal("select * from _META.tables"), "42501");
  EXPECT_EQ(refusal("select * from duckdb_tables()"), "42501");
  EXPECT_EQ(refusal("select * from query('select 1')"), "42501");
  EXPECT_EQ(refusal("select * from read_csv('/etc/passwd')"), "42501");
  EXPECT_EQ(refusal("select * from (show all tables)"), "42501");
  EXPECT_EQ(refusal("select _meta, '_segments.s1' from orders"), "");
}

TEST(EngineListText, ReadsArraysOfPostgres) {
  EXPECT_EQ(engine_list_text("{1,NULL,\"a,\\\"b\"}"), "['1', NULL, 'a,\"b']");
  EXPECT_EQ(engine_list_text("{}"), "[]");
  EXPECT_FALSE(engine_list_text("{{1}}").has_value());
  EXPECT_FALSE(engine_list_text("1,2").has_value());
  EXPECT_FALSE(engine_list_text("{\"a").has_value());
}

std::string classified(std::string_view sql) {
  const Result<Control> control = classify(sql, tokenize(sql));
  return control.ok() ? "ok" : control.error().sqlstate;
}

TEST(Classify, RefusesWhatWrites) {
  for (const char* sql :
       {"insert into t values (1)", "UPDATE t SET a = 1", "delete from t", "create table t (a int)",
        "drop table t", "copy t from stdin", "attach 'x'", "pragma x", "call f()", "vacuum",
        "explain analyze insert into t values (1)", "begin read write",
        "explain analyze with x as (select 1) insert into t select * from x"}) {
    EXPECT_EQ(classified(sql), "25006") << sql;
  }
}

TEST(Classify, KnowsWhatIsNoStatement) {
  EXPECT_EQ(classified("selct 1"), "42601");
  EXPECT_EQ(classified("select 'a"), "42601");
  EXPECT_EQ(classified("set x"), "42601");
  EXPECT_EQ(classified("copy t to '/x'"), "42501");
}

TEST(Classify, ReadsTheFormsOfCopy) {
  const std::string sql = "COPY (SELECT 1) TO STDOUT WITH (FORMAT csv, HEADER)";
  const Result<Control> control = classify(sql, tokenize(sql));
  ASSERT_TRUE(control.ok());
  const auto& query = std::get<Query>(control.value());
  EXPECT_EQ(query.sql, "SELECT 1");
  EXPECT_EQ(query.copy->kind, CopyFormat::Kind::Csv);
  EXPECT_TRUE(query.copy->header);
  EXPECT_EQ(query.copy->delimiter, ',');
}

}  // namespace
}  // namespace freshet::query
