#include "transform/transformation.h"

#include <gtest/gtest.h>

#include "engine/scratch_database.h"

namespace freshet::transform {
namespace {

std::shared_ptr<const TableSchema> orders(Identity identity = Identity::Key) {
  auto schema = std::make_shared<TableSchema>();
  schema->id = TableId{1};
  schema->schema = "public";
  schema->name = "orders";
  schema->identity = identity;
  const auto add = [&](std::string name, Type type, bool in_key = false) {
    schema->columns.push_back({.name = std::move(name),
                               .type = type,
                               .attnum = static_cast<std::int16_t>(schema->columns.size() + 1),
                               .in_key = in_key && identity == Identity::Key});
  };
  add("id", {TypeKind::Int64}, true);
  add("amount", {TypeKind::Text});
  return schema;
}

// Orders, written like sentences, and what a transformation makes of them.
struct World {
  explicit World(Identity identity = Identity::Key) : table(orders(identity)), changes(table) {}

  World& insert(std::int64_t id, std::string_view amount) {
    changes.rows[0].append(id);
    changes.rows[1].append_string(amount);
    rows.push_back(static_cast<std::uint32_t>(rows.size()));
    changes.changes.push_back({.op = Op::Insert, .row = rows.back()});
    return *this;
  }
  World& open(Definition definition) {
    transformation =
        engine::ScratchDatabase::must(Transformation::open(database.database(), definition, table));
    return *this;
  }
  World& open(const std::string& sql) { return open(Definition{.sql = sql, .primary_key = {}}); }
  Error refusal(Definition definition) {
    const auto opened = Transformation::open(database.database(), definition, table);
    return opened.ok() ? Error{.sqlstate = "00000"} : opened.error();
  }
  Error refusal(const std::string& sql) {
    return refusal(Definition{.sql = sql, .primary_key = {}});
  }
  const Transformed& run() {
    engine::ScratchDatabase::must(transformation->run(changes, rows, keep, out));
    return out;
  }
  std::string names() const {
    std::string all;
    for (const ColumnSchema& column : transformation->columns()) {
      all += (all.empty() ? "" : " ") + column.name + ":" + to_string(column.type) +
             (column.in_key ? "*" : "");
    }
    return all;
  }

  engine::ScratchDatabase database;
  std::shared_ptr<const TableSchema> table;
  TableChanges changes;
  std::vector<std::uint32_t> rows;
  std::unique_ptr<Transformation> transformation;
  Arena keep;
  Transformed out;
};

TEST(Transformation, ComputesCastsAndFilters) {
  World world;
  world.insert(1, "10.50").insert(2, "3").insert(3, "99.99");
  world.open(
      "SELECT id, CAST(amount AS decimal(10,2)) * 2 AS twice FROM _input "
      "WHERE CAST(amount AS double) > 5");
  EXPECT_EQ(world.names(), "id:int64* twice:decimal(18,2)");
  const Transformed& out = world.run();
  EXPECT_EQ(out.from, (std::vector<std::uint32_t>{0, 2}));
  EXPECT_EQ(out.columns[1].get<std::int64_t>(0), 2100);
  EXPECT_EQ(out.columns[1].get<std::int64_t>(1), 19998);
  EXPECT_TRUE(out.rejected.empty());
}

TEST(Transformation, StarMeansTheColumnsOfTheTable) {
  World world;
  EXPECT_EQ(world.open("SELECT * FROM _input").names(), "id:int64* amount:text");
  EXPECT_EQ(world.open("select i.*, _op from _input as i").names(), "id:int64* amount:text");
  EXPECT_EQ(world.open("SELECT * EXCLUDE (amount), '* EXCLUDE (id)' AS x FROM _input").names(),
            "id:int64* x:text");
  EXPECT_EQ(world.open("SELECT * EXCLUDE (id, _meta) FROM _input").names(),
            "amount:text _id:text*");
}

TEST(Transformation, KeysAreMadeOfTheTablesKeyAlone) {
  World world;
  EXPECT_EQ(world.open("SELECT amount FROM _input").names(), "amount:text _id:text*");
  EXPECT_EQ(world.open("SELECT ID, Amount FROM _input").names(), "id:int64* amount:text");
  EXPECT_EQ(world.open("SELECT id * 10 AS _id, amount FROM _input").names(),
            "_id:text* amount:text");
  EXPECT_EQ(world
                .open(Definition{.sql = "SELECT amount, i.id + 1 AS n FROM _input i",
                                 .primary_key = {"n"}})
                .names(),
            "amount:text n:int64*");
  for (const char* sql : {"SELECT amount AS _id, id FROM _input",
                          "SELECT * REPLACE (amount AS id), id AS n FROM _input"}) {
    Definition definition{.sql = sql, .primary_key = {}};
    if (std::string_view(sql).find("REPLACE") != std::string_view::npos) {
      definition.primary_key = {"id"};
    }
    const Error refused = world.refusal(definition);
    EXPECT_EQ(refused.sqlstate, "42P16") << sql;
    EXPECT_NE(refused.hint.find("make it of id"), std::string::npos) << refused.hint;
  }
}

TEST(Transformation, GivesTheKeyOfARowThatIsGone) {
  World world;
  world.open("SELECT amount, 'no-' || id AS _id FROM _input WHERE amount <> 'x'");
  std::vector<Column> identity;
  identity.emplace_back(Type{TypeKind::Int64});
  identity[0].append(std::int64_t{7});
  identity[0].append(std::int64_t{8});
  engine::ScratchDatabase::must(world.transformation->keys(identity, world.keep, world.out));
  EXPECT_EQ(world.out.from, (std::vector<std::uint32_t>{0, 1}));
  ASSERT_EQ(world.out.columns.size(), 1U);
  EXPECT_EQ(world.out.columns[0].text(1), "no-8");
}

TEST(Transformation, RowsThatFailAreRejectedAlone) {
  World world;
  for (int i = 0; i < 5000; ++i) world.insert(i, i == 17 || i == 4711 ? "none" : "1");
  world.open("SELECT id, CAST(amount AS int) AS amount FROM _input");
  const Transformed& out = world.run();
  EXPECT_EQ(out.from.size(), 4998U);
  EXPECT_TRUE(std::ranges::is_sorted(out.from));
  ASSERT_EQ(out.rejected.size(), 2U);
  EXPECT_EQ(out.rejected[0].row, 17U);
  EXPECT_EQ(out.rejected[1].row, 4711U);
  EXPECT_EQ(out.rejected[0].reason.sqlstate, "22P02") << out.rejected[0].reason.message;
  EXPECT_EQ(engine::ScratchDatabase::must(world.transformation->print(world.changes.rows, 17)),
            R"({"id":17,"amount":"none"})");
}

TEST(Transformation, ANullKeyIsRejected) {
  World world;
  world.insert(1, "a").insert(2, "b");
  world.open("SELECT nullif(id, 1) AS _id, amount FROM _input");
  const Transformed& out = world.run();
  EXPECT_EQ(out.from, (std::vector<std::uint32_t>{1}));
  ASSERT_EQ(out.rejected.size(), 1U);
  EXPECT_EQ(out.rejected[0].reason.sqlstate, "23502");
}

TEST(Transformation, KnowsWhereRowsCameFrom) {
  World world;
  world.insert(1, "a").insert(2, "b");
  world.changes.changes[1].op = Op::Update;
  world.changes.origins = {{0, Lsn{0x10}, Time(std::chrono::microseconds(5))},
                           {1, Lsn{0x20}, Time(std::chrono::microseconds(6))}};
  world.open(
      "SELECT id, _op AS op, _lsn AS lsn, _table AS t, epoch_us(_commit_time) AS at, "
      "_event_time FROM _input");
  const Transformed& out = world.run();
  EXPECT_EQ(out.columns[1].text(0), "INSERT");
  EXPECT_EQ(out.columns[1].text(1), "UPDATE");
  EXPECT_EQ(out.columns[2].text(1), "0/20");
  EXPECT_EQ(out.columns[3].text(1), "public.orders");
  EXPECT_EQ(out.columns[4].get<std::int64_t>(0), 5);
  EXPECT_EQ(out.columns[5].type().kind, TypeKind::TimestampTz);
}

TEST(Transformation, AnOpThatSaysDeleteDropsTheRow) {
  World world;
  world.insert(1, "a").insert(2, "b");
  world.open("SELECT *, if(id = 1, 'DELETE', 'UPSERT') AS _op FROM _input");
  EXPECT_EQ(world.names(), "id:int64* amount:text");
  EXPECT_EQ(world.run().from, (std::vector<std::uint32_t>{1}));
}

TEST(Transformation, KeepsEveryTypeAsOneThatACollectionHolds) {
  World world;
  world.open(
      "SELECT id, 1::utinyint AS a, 1::hugeint AS b, {'x': 1} AS c, [1, 2] AS d, [[1]] AS e, "
      "TIME '10:00' AS f, 1::ubigint AS g, 'a'::json AS h, NULL AS i FROM _input");
  EXPECT_EQ(world.names(),
            "id:int64* a:int16 b:decimal(38,0) c:json d:list(int32) e:json f:time "
            "g:decimal(20,0) h:json i:int32");
}

TEST(Transformation, TablesWithoutAKey) {
  World full(Identity::Full);
  full.open("SELECT amount FROM _input WHERE amount <> 'x'");
  EXPECT_EQ(full.transformation->identity(), Identity::Full);
  full.changes.old[0].append(std::int64_t{1});
  full.changes.old[1].append_string("x");
  full.changes.old[0].append(std::int64_t{1});
  full.changes.old[1].append_string("y");
  const std::uint32_t both[] = {0, 1};
  engine::ScratchDatabase::must(
      full.transformation->run_old(full.changes, both, full.keep, full.out));
  EXPECT_EQ(full.out.from, (std::vector<std::uint32_t>{1}));
  EXPECT_EQ(full.refusal("SELECT amount, _lsn AS l FROM _input").sqlstate, "0A000");
  World none(Identity::None);
  none.open("SELECT amount FROM _input");
  EXPECT_EQ(none.transformation->identity(), Identity::None);
  EXPECT_EQ(none.refusal("SELECT id AS _id FROM _input").sqlstate, "42P16");
}

TEST(Transformation, SaysWhatItCannotDo) {
  World world;
  for (const auto& [sql, state] : std::vector<std::pair<std::string, std::string>>{
           {"SELEC id FROM _input", "42601"},
           {"SELECT nothing FROM _input", "42703"},
           {"SELECT id, id FROM _input", "42701"},
           {"SELECT id FROM orders", "0A000"},
           {"SELECT id FROM _input, _input", "0A000"},
           {"SELECT id FROM _input ORDER BY id", "0A000"},
           {"SELECT id FROM _input LIMIT 1", "0A000"},
           {"SELECT DISTINCT id FROM _input", "0A000"},
           {"SELECT id FROM _input UNION ALL SELECT id FROM _input", "0A000"},
           {"WITH a AS (SELECT 1) SELECT id FROM _input", "0A000"},
           {"SELECT (SELECT 1) AS x, id FROM _input", "0A000"},
           {"SELECT row_number() OVER () AS x, id FROM _input", "0A000"},
           {"SELECT id FROM _input; SELECT 1", "0A000"},
           {"DROP TABLE x", "42601"}}) {
    const Error error = world.refusal(sql);
    EXPECT_EQ(error.sqlstate, state) << sql << ": " << error.message;
  }
}

}  // namespace
}  // namespace freshet::transform
