#include "engine/inserter.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/scratch_database.h"
#include "model/column.h"

namespace freshet::engine {
namespace {

constexpr const char* long_text = "a text that is too long to lie inside";

// A table (n BIGINT, word VARCHAR, tags VARCHAR[]) and rows for it.
struct World {
  World() { database.run("CREATE TABLE store.main.t (n BIGINT, word VARCHAR, tags VARCHAR[])"); }

  std::vector<Type> types() const {
    std::vector<Type> types;
    for (const Column& column : columns) types.push_back(column.type());
    return types;
  }
  Inserter open() {
    return ScratchDatabase::must(Inserter::open(database.connection(), "main", "t", types()));
  }
  void add_rows(std::int64_t first, std::int64_t count) {
    for (std::int64_t n = first; n < first + count; ++n) {
      columns[0].append(n);
      n % 3 == 0 ? columns[1].append_null() : columns[1].append_string(long_text);
      const std::size_t offset = columns[2].child().size();
      for (std::int64_t i = 0; i < n % 4; ++i) columns[2].child().append_string("tag");
      columns[2].append(ListRef{offset, columns[2].child().size() - offset});
    }
  }

  ScratchDatabase database;
  std::vector<Column> columns = [] {
    std::vector<Column> made;
    made.emplace_back(Type{.kind = TypeKind::Int64});
    made.emplace_back(Type{.kind = TypeKind::Text});
    made.emplace_back(Type{.kind = TypeKind::List, .element = TypeKind::Text});
    return made;
  }();
};

TEST(Inserter, KeepsTheOrderOverManyChunks) {
  World world;
  Inserter inserter = world.open();
  world.add_rows(0, 10'000);
  ASSERT_TRUE(inserter.insert(world.columns, 0, 10'000).ok());
  EXPECT_EQ(world.database.text("SELECT count(*) FILTER (rowid = n) FROM store.main.t"), "10000");
  EXPECT_EQ(world.database.text("SELECT count(word) || ' ' || sum(len(tags)) FROM store.main.t "
                                "WHERE word IS NULL OR word LIKE 'a text%inside'"),
            "6666 15000");
}

TEST(Inserter, InsertsPartsAndNamedRows) {
  World world;
  Inserter inserter = world.open();
  world.add_rows(0, 5'000);
  std::vector<std::uint32_t> named;
  for (std::uint32_t row = 4'999; named.size() < 2'500; row -= 2) named.push_back(row);
  ASSERT_TRUE(inserter.insert(world.columns, 10, 20).ok());
  ASSERT_TRUE(inserter.insert(world.columns, 7, 7).ok());
  ASSERT_TRUE(inserter.insert_selected(world.columns, named).ok());
  ASSERT_TRUE(inserter.insert_selected(world.columns, {}).ok());
  EXPECT_EQ(world.database.text("SELECT string_agg(n, ',' ORDER BY rowid) FROM store.main.t "
                                "WHERE rowid < 12"),
            "10,11,12,13,14,15,16,17,18,19,4999,4997");
  EXPECT_EQ(world.database.text("SELECT count(*) || ' ' || min(n) FROM store.main.t "
                                "WHERE rowid >= 10"),
            "2500 1");
}

TEST(Inserter, BelongsToTheTransaction) {
  World world;
  Inserter inserter = world.open();
  world.add_rows(0, 3);
  Connection& connection = world.database.connection();
  ASSERT_TRUE(connection.begin().ok());
  ASSERT_TRUE(inserter.insert(world.columns, 0, 3).ok());
  connection.rollback();
  ASSERT_TRUE(connection.begin().ok());
  ASSERT_TRUE(inserter.insert(world.columns, 2, 3).ok());
  ASSERT_TRUE(connection.commit().ok());
  EXPECT_EQ(world.database.text("SELECT string_agg(rowid || ':' || n, ' ') FROM store.main.t"),
            "0:2");
}

TEST(Inserter, GoesOnAfterTheCatalogChanged) {
  World world;
  Inserter inserter = world.open();
  world.add_rows(0, 3);
  const auto other = world.database.connect();
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(inserter.insert(world.columns, 0, 3).ok());
    ASSERT_TRUE(
        other->execute("CREATE TABLE store.main.t" + std::to_string(round) + " (a INT)").ok());
  }
  EXPECT_EQ(world.database.text("SELECT count(*) FROM store.main.t"), "9");
}

TEST(Inserter, SaysWhichTableIsMissing) {
  World world;
  world.database.run("DROP TABLE store.main.t");
  const auto opened = Inserter::open(world.database.connection(), "main", "t", world.types());
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().sqlstate, "42P01");
  EXPECT_NE(opened.error().message.find("insert into store.\"main\".\"t\""), std::string::npos);
}

TEST(Inserter, ItsRowsAreForItsOwnStatementsOnly) {
  World world;
  Inserter inserter = world.open();
  const auto prepared = world.database.connection().prepare("SELECT * FROM given_rows()");
  ASSERT_FALSE(prepared.ok());
  EXPECT_NE(prepared.error().message.find("server's own"), std::string::npos);
}

}  // namespace
}  // namespace freshet::engine
