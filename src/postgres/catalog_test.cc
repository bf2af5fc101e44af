#include "postgres/catalog.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "postgres/shared_scratch_server.h"
#include "postgres/types.h"

namespace freshet::postgres {
namespace {

bool matches(const std::vector<std::string>& patterns, std::string_view schema,
             std::string_view name) {
  return TablePatterns::parse(patterns).value().match(schema, name);
}

TEST(TablePatterns, TakeEveryTableWhenNoneIncludes) {
  EXPECT_TRUE(matches({}, "any", "table"));
  EXPECT_TRUE(matches({"!public.audit_*"}, "public", "orders"));
  EXPECT_FALSE(matches({"!public.audit_*"}, "public", "audit_log"));
}

TEST(TablePatterns, ExcludeWhateverTheOrder) {
  EXPECT_FALSE(matches({"!public.x", "public.*"}, "public", "x"));
  EXPECT_FALSE(matches({"public.*", "!public.x"}, "public", "x"));
}

TEST(TablePatterns, MatchStarsAnywhere) {
  EXPECT_TRUE(matches({"app_*.*order*"}, "app_eu", "reorders"));
  EXPECT_TRUE(matches({"app_*.*order*"}, "app_", "order"));
  EXPECT_FALSE(matches({"app_*.*order*"}, "apps", "orders"));
  EXPECT_TRUE(matches({"a*b*c.t"}, "aXbbXbc", "t"));
  EXPECT_FALSE(matches({"a*b*c.t"}, "aXbbXbcd", "t"));
  EXPECT_FALSE(matches({"public.t"}, "public", "tt"));
}

TEST(TablePatterns, TakeAPartitionByAnyOfItsNames) {
  const auto takes = [](const std::vector<std::string>& patterns) {
    return TablePatterns::parse(patterns).value().match(
        {{"public", "orders_2026"}, {"public", "orders"}});
  };
  EXPECT_TRUE(takes({"orders"}));
  EXPECT_TRUE(takes({"orders_*"}));
  EXPECT_FALSE(takes({"orders", "!orders_2026"}));
  EXPECT_FALSE(takes({"orders_*", "!orders"}));
  EXPECT_FALSE(takes({"other"}));
}

TEST(TablePatterns, MeanPublicWithoutADotAndFoldCaseLikeSql) {
  EXPECT_TRUE(matches({"Orders"}, "public", "orders"));
  EXPECT_FALSE(matches({"orders"}, "sales", "orders"));
  EXPECT_TRUE(matches({"\"My.Schema\".\"T\"\"x\""}, "My.Schema", "T\"x"));
  EXPECT_FALSE(matches({"\"Orders\""}, "public", "orders"));
}

TEST(TablePatterns, LetTheNewestChoiceDecideAboutTheTablesItMatches) {
  TablePatterns patterns = TablePatterns::parse({"public.*", "!public.log*"}).value();
  ASSERT_TRUE(patterns.choose({"public.log_kept", "!public.a*", "public.ab", "app.*"}).ok());
  for (const char* in : {"log_kept", "ab", "b"}) EXPECT_TRUE(patterns.match("public", in)) << in;
  for (const char* out : {"log", "a", "ac"}) EXPECT_FALSE(patterns.match("public", out)) << out;
  EXPECT_TRUE(patterns.match("app", "any"));
  EXPECT_FALSE(patterns.choose({"a.b.c"}).ok());
}

TEST(TablePatterns, RefuseWhatNamesNoTable) {
  for (const std::string pattern : {"", "!", ".", "a.", ".b", "a.b.c", "\"a", "a\"b", "\"a\"b.c"}) {
    const auto parsed = TablePatterns::parse({pattern});
    ASSERT_FALSE(parsed.ok()) << pattern;
    EXPECT_EQ(parsed.error().sqlstate, "22023");
    EXPECT_NE(parsed.error().hint.find("public.orders"), std::string::npos);
  }
}

class Catalog : public testing::Test {
 protected:
  void run(const std::string& sql) {
    const auto done = connection_->query(sql);
    ASSERT_TRUE(done.ok()) << done.error().message;
  }
  std::vector<std::string> names(const std::vector<std::string>& patterns = {}) {
    const auto tables = read_tables(*connection_, TablePatterns::parse(patterns).value());
    EXPECT_TRUE(tables.ok());
    std::vector<std::string> result;
    for (const CatalogTable& table : *tables) result.push_back(table.schema.qualified_name());
    return result;
  }
  CatalogTable table(const std::string& name) {
    const auto tables = read_tables(*connection_, TablePatterns::parse({name}).value());
    EXPECT_TRUE(tables.ok() && tables->size() == 1) << name;
    return tables->at(0);
  }
  std::vector<std::string> key(const std::string& name) {
    std::vector<std::string> result;
    for (const ColumnSchema& column : table(name).schema.columns) {
      if (column.in_key) result.push_back(column.name);
    }
    return result;
  }

  std::unique_ptr<Connection> connection_ = connect_to_new_database("catalog");
};

TEST_F(Catalog, ListsOrdinaryAndPartitionedTablesInOrderOfName) {
  run("CREATE SCHEMA b; CREATE TABLE b.x (i int); CREATE TABLE public.z (i int);"
      "CREATE TABLE public.a (i int); CREATE VIEW public.v AS SELECT 1 AS i;"
      "CREATE MATERIALIZED VIEW public.m AS SELECT 1 AS i; CREATE TEMP TABLE t (i int);"
      "CREATE TABLE public.p (i int) PARTITION BY RANGE (i);"
      "CREATE TABLE public.p1 PARTITION OF public.p FOR VALUES FROM (0) TO (9)");
  EXPECT_EQ(names(), (std::vector<std::string>{"b.x", "public.a", "public.p", "public.z"}));
  EXPECT_EQ(names({"public.*", "!a"}), (std::vector<std::string>{"public.p", "public.z"}));
  EXPECT_TRUE(table("p").partitioned);
  EXPECT_FALSE(table("a").partitioned);
}

TEST_F(Catalog, ListsColumnsAsTheyAreSent) {
  run("CREATE TABLE public.t (a int, gone text, b numeric(12,2) NOT NULL, "
      "twice int GENERATED ALWAYS AS (a * 2) STORED, PRIMARY KEY (b, a)); "
      "ALTER TABLE public.t DROP COLUMN gone; ALTER TABLE public.t ADD COLUMN c varchar(7)");
  const TableSchema schema = table("t").schema;
  ASSERT_EQ(schema.columns.size(), 3U);
  EXPECT_EQ(schema.columns[0].name, "a");
  EXPECT_EQ(schema.columns[0].attnum, 1);
  EXPECT_EQ(schema.columns[0].pg_type, oid::int4);
  EXPECT_TRUE(schema.columns[0].in_key);
  EXPECT_EQ(schema.columns[1].name, "b");
  EXPECT_EQ(schema.columns[1].attnum, 3);
  EXPECT_TRUE(schema.columns[1].not_null);
  EXPECT_EQ(schema.columns[1].type, type_for(oid::numeric, schema.columns[1].pg_typmod));
  EXPECT_EQ(schema.columns[2].name, "c");
  EXPECT_EQ(schema.columns[2].pg_typmod, 11);
  EXPECT_FALSE(schema.columns[2].in_key);
  EXPECT_FALSE(schema.columns[2].not_null);
}

TEST_F(Catalog, FindsTheIdentityThatPostgresUses) {
  run("CREATE TABLE public.pk (a int, b int PRIMARY KEY);"
      "CREATE TABLE public.late (a int PRIMARY KEY DEFERRABLE);"
      "CREATE TABLE public.plain (a int);"
      "CREATE TABLE public.whole (a int, b int); ALTER TABLE public.whole REPLICA IDENTITY FULL;"
      "CREATE TABLE public.nothing (a int PRIMARY KEY);"
      "ALTER TABLE public.nothing REPLICA IDENTITY NOTHING;"
      "CREATE TABLE public.indexed (a int PRIMARY KEY, b int NOT NULL, c int);"
      "CREATE UNIQUE INDEX by_b ON public.indexed (b) INCLUDE (c);"
      "ALTER TABLE public.indexed REPLICA IDENTITY USING INDEX by_b;"
      "CREATE TABLE public.lost (a int NOT NULL); CREATE UNIQUE INDEX by_a ON public.lost (a);"
      "ALTER TABLE public.lost REPLICA IDENTITY USING INDEX by_a; DROP INDEX public.by_a");
  EXPECT_EQ(table("pk").schema.identity, Identity::Key);
  EXPECT_EQ(key("pk"), std::vector<std::string>{"b"});
  EXPECT_EQ(table("late").schema.identity, Identity::None);
  EXPECT_EQ(key("late"), std::vector<std::string>{});
  EXPECT_EQ(table("plain").schema.identity, Identity::None);
  EXPECT_EQ(table("whole").schema.identity, Identity::Full);
  EXPECT_EQ(key("whole"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(table("nothing").schema.identity, Identity::None);
  EXPECT_EQ(table("indexed").schema.identity, Identity::Key);
  EXPECT_EQ(key("indexed"), std::vector<std::string>{"b"});
  EXPECT_EQ(table("lost").schema.identity, Identity::None);
}

TEST_F(Catalog, TrustsARootOnlyWhenItsPartitionsAgree) {
  run("CREATE TABLE public.good (i int PRIMARY KEY) PARTITION BY RANGE (i);"
      "CREATE TABLE public.good1 PARTITION OF public.good FOR VALUES FROM (0) TO (9);"
      "CREATE TABLE public.good2 PARTITION OF public.good FOR VALUES FROM (10) TO (19);"
      "ALTER TABLE public.good2 REPLICA IDENTITY FULL;"
      "CREATE TABLE public.mute (i int PRIMARY KEY) PARTITION BY RANGE (i);"
      "CREATE TABLE public.mute1 PARTITION OF public.mute FOR VALUES FROM (0) TO (9);"
      "ALTER TABLE public.mute1 REPLICA IDENTITY NOTHING;"
      "CREATE TABLE public.mixed (i int) PARTITION BY RANGE (i);"
      "CREATE TABLE public.mixed1 PARTITION OF public.mixed FOR VALUES FROM (0) TO (9);"
      "ALTER TABLE public.mixed REPLICA IDENTITY FULL;"
      "CREATE TABLE public.bare (i int PRIMARY KEY) PARTITION BY RANGE (i)");
  EXPECT_EQ(table("good").schema.identity, Identity::Key);
  EXPECT_EQ(table("mute").schema.identity, Identity::None);
  EXPECT_EQ(table("mixed").schema.identity, Identity::None);
  EXPECT_EQ(table("bare").schema.identity, Identity::Key);
}

TEST_F(Catalog, SaysWhyATableCannotBeMirrored) {
  run("CREATE UNLOGGED TABLE public.u (i int); CREATE TABLE public.empty (); "
      "CREATE TABLE public.fine (i int)");
  EXPECT_NE(table("u").why_not, "");
  EXPECT_NE(table("empty").why_not, "");
  EXPECT_EQ(table("fine").why_not, "");
}

// The extensions' catalogs, made by hand.
TEST_F(Catalog, RefusesTablesWhoseRowsAreElsewhere) {
  run("CREATE TABLE public.metrics (i int PRIMARY KEY); CREATE TABLE public.spread (i int PRIMARY "
      "KEY);"
      "CREATE TABLE public.fine (i int PRIMARY KEY); CREATE SCHEMA _timescaledb_catalog;"
      "CREATE SCHEMA _timescaledb_internal;"
      "CREATE TABLE _timescaledb_internal._hyper_1_1_chunk () INHERITS (public.metrics);"
      "CREATE TABLE _timescaledb_catalog.hypertable (schema_name name, table_name name);"
      "INSERT INTO _timescaledb_catalog.hypertable VALUES ('public', 'metrics')");
  run("SET allow_system_table_mods = on;"
      "CREATE TABLE pg_catalog.pg_dist_partition (logicalrelid regclass);"
      "INSERT INTO pg_catalog.pg_dist_partition VALUES ('public.spread')");
  EXPECT_NE(table("metrics").why_not.find("hypertable"), std::string::npos);
  EXPECT_NE(table("spread").why_not.find("Citus"), std::string::npos);
  EXPECT_EQ(table("fine").why_not, "");
  EXPECT_EQ(names(), (std::vector<std::string>{"public.fine", "public.metrics", "public.spread"}));
}

TEST_F(Catalog, EstimatesRowsAndBytes) {
  run("CREATE TABLE public.t (i int); CREATE TABLE public.p (i int) PARTITION BY RANGE (i);"
      "CREATE TABLE public.p1 PARTITION OF public.p FOR VALUES FROM (0) TO (1000000);"
      "INSERT INTO public.t SELECT generate_series(1, 5000);"
      "INSERT INTO public.p SELECT generate_series(1, 5000)");
  EXPECT_LT(table("t").rows_estimated, 0);
  EXPECT_LT(table("p").rows_estimated, 0);
  EXPECT_GT(table("t").bytes, 100'000U);
  EXPECT_GT(table("p").bytes, 100'000U);
  run("ANALYZE public.t; ANALYZE public.p");
  EXPECT_EQ(table("t").rows_estimated, 5000);
  EXPECT_EQ(table("p").rows_estimated, 5000);
}

TEST_F(Catalog, ReadsOneTableByItsIdAndSaysWhenItIsGone) {
  run("CREATE TABLE public.t (i int PRIMARY KEY, x text)");
  const CatalogTable listed = table("t");
  const auto alone = read_table(*connection_, listed.schema.id);
  ASSERT_TRUE(alone.ok());
  EXPECT_EQ(alone->schema, listed.schema);
  run("DROP TABLE public.t");
  const auto gone = read_table(*connection_, listed.schema.id);
  ASSERT_FALSE(gone.ok());
  EXPECT_EQ(gone.error().sqlstate, "42P01");
}

TEST_F(Catalog, IdentifiesTheServer) {
  const auto replication =
      Connection::connect(shared_scratch_server().url("catalog"), {.replication = true});
  const auto system = identify(**replication);
  ASSERT_TRUE(system.ok());
  EXPECT_GT(system->id.size(), 15U);
  EXPECT_EQ(system->timeline, 1U);
  EXPECT_GT(system->flushed, Lsn{});
}

}  // namespace
}  // namespace freshet::postgres
