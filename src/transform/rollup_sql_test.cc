#include "transform/rollup_sql.h"

#include <gtest/gtest.h>

#include "engine/scratch_database.h"

namespace freshet::transform {
namespace {

struct World {
  std::optional<RollupSql> parse(const std::string& sql) {
    return engine::ScratchDatabase::must(parse_rollup(database.connection(), sql));
  }
  Error refusal(const std::string& sql) {
    const auto parsed = parse_rollup(database.connection(), sql);
    return parsed.ok() ? Error{.sqlstate = "00000"} : parsed.error();
  }
  engine::ScratchDatabase database;
};

TEST(RollupSql, TellsRowsFromGroups) {
  World world;
  const auto rollup = world.parse(
      "SELECT region, upper(region) AS loud, sum(price * n) / count(*) AS mean, count(*) AS orders,"
      " min(price), sum(price * n) FILTER (WHERE paid) AS earned"
      " FROM _input AS o WHERE n > 0 GROUP BY region");
  ASSERT_TRUE(rollup);
  EXPECT_EQ(rollup->groups, 1U);
  EXPECT_EQ(rollup->aggregates.size(), 4U);
  EXPECT_TRUE(rollup->aggregates[0].can_be_undone);
  EXPECT_EQ(rollup->aggregates[1].function, "count_star");
  EXPECT_FALSE(rollup->aggregates[2].can_be_undone);
  EXPECT_EQ(rollup->aggregates[2].sql, "min(a1)");
  EXPECT_EQ(rollup->results,
            "g0 AS \"region\", upper(g0) AS \"loud\", (f0 / f1) AS \"mean\", f1 AS \"orders\", "
            "f2 AS \"min\", f3 AS \"earned\"");
  EXPECT_EQ(rollup->row,
            "SELECT region AS g0, (price * n) AS a0, price AS a1, CASE WHEN paid THEN (price * n) "
            "END AS a2 FROM _input AS \"o\" WHERE (n > 0)");
}

TEST(RollupSql, GroupsByPlaceNameExpressionAndAll) {
  World world;
  for (const char* group : {"1", "day", "date_trunc('day', at_)", "ALL"}) {
    const auto rollup = world.parse(
        std::string("SELECT date_trunc('day', at_) AS day, count(*) AS n FROM _input GROUP BY ") +
        group);
    ASSERT_TRUE(rollup) << group;
    EXPECT_EQ(rollup->groups, 1U);
    EXPECT_EQ(rollup->results, "g0 AS \"day\", f0 AS \"n\"");
  }
  const auto mixed = world.parse("SELECT Region, count(*) AS n FROM _input o GROUP BY O.region");
  ASSERT_TRUE(mixed);
  EXPECT_EQ(mixed->results, "g0 AS \"Region\", f0 AS \"n\"");
  EXPECT_FALSE(world.parse("SELECT a FROM _input"));
}

TEST(RollupSql, RefusesWhatCannotBeKept) {
  World world;
  for (const auto& [sql, state] : std::vector<std::pair<std::string, std::string>>{
           {"SELECT b, count(*) FROM _input GROUP BY a", "42803"},
           {"SELECT a, count(*) FROM _input GROUP BY ROLLUP (a)", "0A000"},
           {"SELECT a, count(*) FROM _input GROUP BY a HAVING count(*) > 1", "00000"},
           {"SELECT a, count(*) FROM _input GROUP BY a HAVING b > 1", "42803"},
           {"SELECT a FROM _input HAVING a > 1", "0A000"},
           {"SELECT a, max(now()) AS x FROM _input GROUP BY a", "0A000"},
           {"SELECT a, max(random()) AS x FROM _input GROUP BY a", "0A000"},
           {"SELECT a, max(_lsn) AS x FROM _input GROUP BY a", "0A000"},
           {"SELECT a, array_agg(b ORDER BY b) AS x FROM _input GROUP BY a", "0A000"},
           {"SELECT *, count(*) FROM _input GROUP BY a", "0A000"},
           {"SELECT a, 1 + count(*) FROM _input GROUP BY a", "00000"},
           {"SELECT a, count(*) FROM _input GROUP BY 7", "42P10"}}) {
    EXPECT_EQ(world.refusal(sql).sqlstate, state) << sql;
  }
}

}  // namespace
}  // namespace freshet::transform
