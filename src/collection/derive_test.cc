#include <gtest/gtest.h>

#include <random>
#include <set>

#include "collection/scratch_store.h"

namespace freshet::collection {
namespace {

constexpr std::uint32_t orders = 1;

// A store that mirrors `orders`, with a collection made of it.
struct World : ScratchStore {
  explicit World(Identity identity = Identity::Key)
      : ScratchStore({simple_schema(orders, "orders", identity)}) {}

  Result<> try_to_make(const std::string& sql, bool replace = false,
                       std::vector<std::string> key = {},
                       transform::OnError on_error = transform::OnError::Reject) {
    return writer->derive({"public", "made"}, TableId{orders},
                          {.sql = sql, .primary_key = std::move(key), .on_error = on_error},
                          replace);
  }
  World& make(const std::string& sql) {
    must(try_to_make(sql));
    return *this;
  }
  void fill() {
    while (must(writer->tidy())) {
    }
  }
  DerivedRecord made() const { return store->derived().at(0); }
  // The rows of a query, one line each.
  std::vector<std::string> ask(const std::string& sql) const {
    const auto reader = must(store->reader());
    must(reader->begin());
    std::vector<std::string> lines;
    for (const auto& row : must(reader->connection().query(sql))) {
      std::string line;
      for (const auto& cell : row) line += (line.empty() ? "" : " ") + cell.value_or("-");
      lines.push_back(line);
    }
    std::ranges::sort(lines);
    return lines;
  }
  std::vector<std::string> rows() const { return ask("SELECT * FROM store.public.made"); }
  // What the collection has that its definition does not make, and the other way round.
  std::vector<std::string> differences(const std::string& sql) const {
    std::string query = sql;
    query.replace(query.find("_input"), 6, "store.public.orders");
    const std::string mine = "(SELECT * FROM store.public.made)";
    return ask(mine + " EXCEPT ALL (" + query + ") UNION ALL ((" + query + ") EXCEPT ALL " + mine +
               ")");
  }
};

const std::string big_ones =
    "SELECT id, value * 2 AS twice, upper(note) AS note FROM _input "
    "WHERE value >= 10";

TEST(Derive, FillsFromRowsThatAreThere) {
  World world;
  auto batch = world.batch();
  for (int i = 0; i < 100; ++i) batch.insert(orders, {i, i, "n" + std::to_string(i)});
  world.apply(batch);
  world.make(big_ones);
  EXPECT_EQ(world.made().state, TableState::CatchingUp);
  world.fill();
  EXPECT_EQ(world.made().state, TableState::Live);
  EXPECT_EQ(world.rows().size(), 90U);
  EXPECT_TRUE(world.differences(big_ones).empty());
}

TEST(Derive, FollowsInsertsUpdatesDeletesAndTruncates) {
  World world;
  world.make(big_ones);
  world.fill();
  auto first = world.batch();
  first.insert(orders, {1, 10, "a"}).insert(orders, {2, 9, "b"}).insert(orders, {3, 30, "c"});
  world.apply(first);
  EXPECT_EQ(world.rows(), (std::vector<std::string>{"1 20 A", "3 60 C"}));
  auto second = world.batch();
  second
      .update(orders, {1, 5, "a"})                            // leaves
      .update(orders, {2, 20, "b"})                           // comes
      .update(orders, {.id = 3, .value = 30}, {4, 31, "d"});  // another key
  world.apply(second);
  EXPECT_EQ(world.rows(), (std::vector<std::string>{"2 40 B", "4 62 D"}));
  auto third = world.batch();
  third.erase(orders, {.id = 2}).insert(orders, {5, 50, "e"});
  world.apply(third);
  EXPECT_EQ(world.rows(), (std::vector<std::string>{"4 62 D", "5 100 E"}));
  auto fourth = world.batch();
  fourth.insert(orders, {6, 60, "f"}).truncate(orders).insert(orders, {7, 70, "g"});
  world.apply(fourth);
  EXPECT_EQ(world.rows(), (std::vector<std::string>{"7 140 G"}));
}

TEST(Derive, SeesValuesThatWereLeftOut) {
  World world;
  world.make(big_ones);
  world.fill();
  auto first = world.batch();
  first.insert(orders, {1, 10, "large"});
  world.apply(first);
  auto second = world.batch();
  second.update(orders, {.id = 1, .value = 11, .note_unchanged = true});
  world.apply(second);
  EXPECT_EQ(world.rows(), (std::vector<std::string>{"1 22 LARGE"}));
}

TEST(Derive, IsThereAfterAReopening) {
  World world;
  auto first = world.batch();
  first.insert(orders, {1, 10, "a"});
  world.apply(first);
  world.make(big_ones).fill();
  world.reopen();
  EXPECT_EQ(world.made().definition.sql, big_ones);
  auto second = world.batch();
  second.update(orders, {1, 12, "a"}).insert(orders, {2, 20, "b"});
  world.apply(second);
  EXPECT_EQ(world.rows(), (std::vector<std::string>{"1 24 A", "2 40 B"}));
}

TEST(Derive, AFillingThatWasCutOffBeginsAgain) {
  World world;
  auto first = world.batch();
  for (int i = 0; i < 1000; ++i) first.insert(orders, {i, i, "x"});
  world.apply(first);
  world.make(big_ones);
  world.reopen();
  EXPECT_EQ(world.made().state, TableState::CatchingUp);
  auto second = world.batch();
  second.update(orders, {20, 5, "x"}).insert(orders, {5000, 50, "y"});
  world.apply(second);
  world.fill();
  EXPECT_EQ(world.made().state, TableState::Live);
  EXPECT_TRUE(world.differences(big_ones).empty());
}

TEST(Derive, EqualsItsDefinitionAtEveryStepOfRandomChanges) {
  for (const unsigned seed : {1U, 2U, 3U}) {
    std::mt19937 random(seed);
    World world;
    std::set<std::int64_t> ids;
    const auto change = [&] {
      auto batch = world.batch();
      for (int i = 0; i < 200; ++i) {
        const auto id = static_cast<std::int64_t>(random() % 3000);
        const auto value = static_cast<std::int64_t>(random() % 20);
        const Row row{id, value, "n" + std::to_string(random() % 7)};
        const auto dice = random() % 10;
        if (!ids.contains(id)) {
          batch.insert(orders, row);
          ids.insert(id);
        } else if (dice < 6) {
          batch.update(orders, row);
        } else if (dice < 8) {
          batch.erase(orders, {.id = id});
          ids.erase(id);
        } else if (const auto other = id + 3000; !ids.contains(other)) {
          batch.update(orders, {.id = id}, {other, value, "moved"});
          ids.erase(id);
          ids.insert(other);
        }
      }
      world.apply(batch, random() % 4 == 0);
    };
    for (int i = 0; i < 10; ++i) change();
    auto last = world.batch();
    world.apply(last);
    world.make(big_ones);
    for (int i = 0; i < 30; ++i) {
      change();
      auto whole = world.batch();
      world.apply(whole);
      if (i == 5) world.fill();
      if (i < 5) must(world.writer->tidy());
      if (world.made().state == TableState::Live) {
        ASSERT_TRUE(world.differences(big_ones).empty()) << "seed " << seed << ", step " << i;
      }
    }
    EXPECT_EQ(world.made().state, TableState::Live);
    world.reopen();
    change();
    auto whole = world.batch();
    world.apply(whole);
    EXPECT_TRUE(world.differences(big_ones).empty());
  }
}

// A collection of `rows` orders is made, and filled while some of them are changed before each
// piece. How many pieces there were.
int fill_amid_changes(World& world, const std::string& sql, int rows) {
  auto first = world.batch();
  for (int i = 0; i < rows; ++i) first.insert(orders, {i, i % 20, "x"});
  world.apply(first);
  world.make(sql);
  std::mt19937 random(7);
  int pieces = 0;
  for (; pieces < 1000 && world.made().state != TableState::Live; ++pieces) {
    auto batch = world.batch();
    for (int i = 0; i < 500; ++i) {
      const auto id = static_cast<std::int64_t>(random() % static_cast<unsigned>(rows));
      batch.update(orders, {id, static_cast<std::int64_t>(random() % 20), "y"});
    }
    batch.insert(orders, {rows + pieces, 15, "new"});
    world.apply(batch);
    must(world.writer->tidy());
  }
  EXPECT_EQ(world.made().state, TableState::Live);
  return pieces;
}

TEST(Derive, TakesChangesBetweenThePiecesOfAFilling) {
  World world;
  EXPECT_GT(fill_amid_changes(world, big_ones, 400'000), 1);
  EXPECT_TRUE(world.differences(big_ones).empty());
}

TEST(Derive, TablesWithoutAKeyKeepTheirDuplicates) {
  World world(Identity::Full);
  const std::string sql = "SELECT value, note FROM _input WHERE value > 0";
  auto first = world.batch();
  first.insert(orders, {1, 1, "a"}).insert(orders, {1, 1, "a"}).insert(orders, {2, 0, "b"});
  world.apply(first);
  world.make(sql).fill();
  EXPECT_EQ(world.rows(), (std::vector<std::string>{"1 a", "1 a"}));
  auto second = world.batch();
  second.erase(orders, {1, 1, "a"}).update(orders, {2, 0, "b"}, {2, 2, "b"});
  world.apply(second);
  EXPECT_EQ(world.rows(), (std::vector<std::string>{"1 a", "2 b"}));
}

TEST(Derive, RejectedRowsAreKeptAndTheOthersGoOn) {
  World world;
  world.make("SELECT id, CAST(note AS int) AS n FROM _input").fill();
  auto first = world.batch();
  first.insert(orders, {1, 0, "1"}).insert(orders, {2, 0, "two"});
  world.apply(first);
  EXPECT_EQ(world.rows(), (std::vector<std::string>{"1 1"}));
  auto rejected = must(world.store->rejected());
  ASSERT_EQ(rejected.size(), 1U);
  EXPECT_EQ(rejected[0].sqlstate, "22P02");
  EXPECT_EQ(rejected[0].row, R"({"id":2,"value":0,"note":"two"})");
  // A row that stops fitting leaves; one that begins to fit comes.
  auto second = world.batch();
  second.update(orders, {1, 0, "one"}).update(orders, {2, 0, "2"});
  world.apply(second);
  EXPECT_EQ(world.rows(), (std::vector<std::string>{"2 2"}));
  EXPECT_EQ(must(world.store->rejected()).size(), 2U);
}

TEST(Derive, OnlyTheNewestRejectedRowsAreKept) {
  World world;
  auto first = world.batch();
  for (int i = 0; i < 1500; ++i) first.insert(orders, {i, 0, "x"});
  world.apply(first);
  world.make("SELECT id, CAST(note AS int) AS n FROM _input").fill();
  auto second = world.batch();
  second.insert(orders, {9999, 0, "y"});
  world.apply(second);
  const auto rejected = must(world.store->rejected());
  EXPECT_EQ(rejected.size(), rejected_rows_max);
  EXPECT_EQ(rejected.back().number, 1501U);
}

TEST(Derive, OnErrorStopStopsThatCollectionOnly) {
  World world;
  must(world.try_to_make("SELECT id, CAST(note AS int) AS n FROM _input", false, {},
                         transform::OnError::Stop));
  world.fill();
  auto first = world.batch();
  first.insert(orders, {1, 0, "1"}).insert(orders, {2, 0, "two"});
  EXPECT_TRUE(world.apply(first).empty());
  EXPECT_EQ(world.made().state, TableState::Failed);
  EXPECT_EQ(rows_of(*world.store, "orders").size(), 2U);
}

TEST(Derive, AKeyThatTwoRowsMakeStopsTheCollection) {
  World world;
  must(world.try_to_make("SELECT id % 10 AS k, value FROM _input", false, {"k"}));
  world.fill();
  auto first = world.batch();
  first.insert(orders, {1, 0, "a"}).insert(orders, {11, 0, "b"});
  world.apply(first);
  EXPECT_EQ(world.made().state, TableState::Failed);
  EXPECT_NE(world.made().last_error.find("same primary key"), std::string::npos);
}

TEST(Derive, AnotherDefinitionTakesThePlaceOfTheOldOne) {
  World world;
  auto first = world.batch();
  first.insert(orders, {1, 10, "a"});
  world.apply(first);
  world.make(big_ones).fill();
  EXPECT_EQ(world.try_to_make("SELECT id FROM _input").error().sqlstate, "42P07");
  EXPECT_EQ(world.try_to_make("SELECT nothing FROM _input", true).error().sqlstate, "42703");
  must(world.try_to_make("SELECT id, note FROM _input", true));
  EXPECT_EQ(world.rows(), (std::vector<std::string>{"1 20 A"}));  // until it is filled
  world.fill();
  EXPECT_EQ(world.rows(), (std::vector<std::string>{"1 a"}));
  ASSERT_TRUE(must(world.writer->refill(world.made().schema->id)));
  world.fill();
  EXPECT_EQ(world.rows(), (std::vector<std::string>{"1 a"}));
  const TableId ids[] = {world.made().schema->id};
  must(world.writer->remove_tables(ids));
  EXPECT_TRUE(world.store->derived().empty());
}

// By note, which may be null; min and count distinct are computed again, the others kept.
const std::string by_note =
    "SELECT note, count(*) AS n, count(value) AS values, sum(value) AS total, avg(value) AS mean, "
    "sum(value * 2) // count(*) AS ratio, count(*) FILTER (WHERE value > 10) AS large, "
    "min(value) AS least, count(DISTINCT value) AS kinds FROM _input WHERE value <> 3 GROUP BY "
    "note";

// Groups that come and go by what they are.
const std::string large_notes =
    "SELECT note, count(*) AS n, max(value) AS most FROM _input GROUP BY note "
    "HAVING count(*) > 30 AND min(value) < 2";

class RandomRollup : public testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(Derive, RandomRollup, testing::Values(by_note, large_notes));

TEST_P(RandomRollup, EqualsItsQueryAtEveryStepOfRandomChanges) {
  for (const unsigned seed : {1U, 2U, 3U}) {
    std::mt19937 random(seed);
    World world;
    std::set<std::int64_t> ids;
    const auto change = [&] {
      auto batch = world.batch();
      for (int i = 0; i < 100; ++i) {
        const auto id = static_cast<std::int64_t>(random() % 500);
        Row row{id, static_cast<std::int64_t>(random() % 20), "n" + std::to_string(random() % 7)};
        if (random() % 10 == 0) row.note.reset();
        const auto dice = random() % 10;
        if (!ids.contains(id)) {
          batch.insert(orders, row);
          ids.insert(id);
        } else if (dice < 6) {
          batch.update(orders, row);
        } else {
          batch.erase(orders, {.id = id});
          ids.erase(id);
        }
      }
      if (random() % 15 == 0) {
        batch.truncate(orders).insert(orders, {1, 5, "n1"});
        ids = {1};
      }
      world.apply(batch, random() % 4 == 0);
    };
    for (int i = 0; i < 5; ++i) change();
    auto last = world.batch();
    world.apply(last);
    world.make(GetParam());
    for (int i = 0; i < 40; ++i) {
      change();
      auto whole = world.batch();
      world.apply(whole);
      if (i == 3) world.fill();
      if (i == 20) world.reopen();
      if (world.made().state == TableState::Live) {
        ASSERT_EQ(world.differences(GetParam()), std::vector<std::string>())
            << "seed " << seed << ", step " << i;
      }
    }
    EXPECT_EQ(world.made().state, TableState::Live);
  }
}

TEST(Derive, ARollupTakesChangesBetweenThePiecesOfItsFilling) {
  const std::string sql =
      "SELECT value % 10 AS k, count(*) AS n, sum(id) AS s FROM _input GROUP BY k";
  World world;
  EXPECT_GT(fill_amid_changes(world, sql, 1'500'000), 1);
  EXPECT_EQ(world.differences(sql), std::vector<std::string>());
}

TEST(Derive, ARollupOfATableWithoutAKey) {
  World world(Identity::Full);
  const std::string sql =
      "SELECT note, count(*) AS n, sum(value) AS s, max(value) AS m FROM _input GROUP BY note";
  auto first = world.batch();
  first.insert(orders, {1, 1, "a"}).insert(orders, {1, 1, "a"}).insert(orders, {2, 5, "a"});
  world.apply(first);
  world.make(sql).fill();
  auto second = world.batch();
  second.erase(orders, {1, 1, "a"}).update(orders, {2, 5, "a"}, {2, 2, "b"});
  second.insert(orders, {3, 3, "c"}).erase(orders, {3, 3, "c"});
  world.apply(second);
  EXPECT_EQ(world.rows(), (std::vector<std::string>{"a 1 1 1", "b 1 2 2"}));
  EXPECT_EQ(world.differences(sql), std::vector<std::string>());
}

TEST(Derive, RowsARollupCannotReadAreRejectedAndNotCounted) {
  World world;
  const std::string sql =
      "SELECT value AS k, count(*) AS n, max(CAST(note AS int)) AS m, sum(CAST(note AS int)) AS s "
      "FROM _input GROUP BY value";
  world.make(sql).fill();
  auto first = world.batch();
  first.insert(orders, {1, 7, "5"}).insert(orders, {2, 7, "none"}).insert(orders, {3, 7, "9"});
  world.apply(first);
  EXPECT_EQ(world.rows(), (std::vector<std::string>{"7 2 9 14"}));
  EXPECT_EQ(must(world.store->rejected()).size(), 1U);
  auto second = world.batch();
  second.erase(orders, {.id = 2}).update(orders, {3, 7, "none"});
  world.apply(second);
  EXPECT_EQ(world.rows(), (std::vector<std::string>{"7 1 5 5"}));
}

TEST(Derive, RowsThatAreTooOldLeave) {
  World world;
  auto first = world.batch();
  first.insert(orders, {1, 0, "2001-01-01"}).insert(orders, {2, 0, "2999-01-01"});
  world.apply(first);
  const std::string sql = "SELECT id, CAST(note AS timestamptz) AS _event_time FROM _input";
  must(world.writer->derive({"public", "made"}, TableId{orders},
                            {.sql = sql, .primary_key = {}, .retention = std::chrono::hours(24)},
                            false));
  world.fill();
  EXPECT_EQ(world.ask("SELECT id FROM store.public.made"), (std::vector<std::string>{"2"}));
  auto second = world.batch();
  second.insert(orders, {3, 0, "2002-01-01"}).update(orders, {2, 0, "2003-01-01"});
  world.apply(second);
  while (!world.ask("SELECT id FROM store.public.made").empty()) world.fill();
  // What is gone can come back.
  auto third = world.batch();
  third.update(orders, {3, 0, "2999-01-01"}).update(orders, {2, 0, "2004-01-01"});
  world.apply(third);
  world.reopen();
  while (world.ask("SELECT id FROM store.public.made").size() > 1) world.fill();
  EXPECT_EQ(world.ask("SELECT id FROM store.public.made"), (std::vector<std::string>{"3"}));
}

TEST(Derive, GroupsThatAreTooOldLeaveForGood) {
  World world;
  auto first = world.batch();
  first.insert(orders, {1, 5, "2001-01-01 10:10"})
      .insert(orders, {2, 6, "2999-01-01 10:10"})
      .insert(orders, {3, 7, "2999-01-01 10:50"});
  world.apply(first);
  const std::string sql =
      "SELECT date_trunc('hour', CAST(note AS timestamptz)) AS _event_time, count(*) AS n, "
      "max(value) AS m FROM _input GROUP BY 1";
  must(world.writer->derive({"public", "made"}, TableId{orders},
                            {.sql = sql, .primary_key = {}, .retention = std::chrono::hours(24)},
                            false));
  world.fill();
  const std::string groups = "SELECT year(_event_time), n, m FROM store.public.made ORDER BY 1";
  EXPECT_EQ(world.ask(groups), (std::vector<std::string>{"2999 2 7"}));
  // What changes in a group that has left: a row goes, another comes, one goes over to it.
  auto second = world.batch();
  second.erase(orders, {.id = 1}).insert(orders, {4, 8, "2001-01-01 10:20"});
  second.update(orders, {3, 7, "2001-01-01 10:30"});
  world.apply(second);
  EXPECT_EQ(world.ask(groups), (std::vector<std::string>{"2999 1 6"}));
  auto third = world.batch();
  third.update(orders, {4, 9, "2999-01-01 10:30"});
  world.apply(third);
  world.reopen();
  world.fill();
  EXPECT_EQ(world.ask(groups), (std::vector<std::string>{"2999 2 9"}));
  // One that grows too old while it is there.
  auto fourth = world.batch();
  fourth.erase(orders, {.id = 2}).update(orders, {4, 9, "2002-01-01 10:30"});
  world.apply(fourth);
  EXPECT_EQ(world.ask(groups), std::vector<std::string>{});
}

TEST(Derive, RetentionOfGroupsWantsATimeOfTheGroup) {
  World world;
  for (const char* sql :
       {"SELECT value, count(*) AS n FROM _input GROUP BY value",
        "SELECT value, max(CAST(note AS timestamptz)) AS _event_time FROM _input GROUP BY 1"}) {
    const auto refused = world.writer->derive(
        {"public", "made"}, TableId{orders},
        {.sql = sql, .primary_key = {}, .retention = std::chrono::hours(24)}, false);
    ASSERT_FALSE(refused.ok()) << sql;
    EXPECT_EQ(refused.error().sqlstate, "42P16");
  }
}

TEST(Derive, OneThatIsDroppedHalfFilledLeavesItsTableAlone) {
  World world;
  auto first = world.batch();
  for (int i = 0; i < 1'000'000; ++i) first.insert(orders, {i, i, "x"});
  world.apply(first);
  world.make(big_ones);
  ASSERT_TRUE(must(world.writer->tidy()));
  ASSERT_EQ(world.made().state, TableState::CatchingUp);
  const TableId ids[] = {world.made().schema->id};
  must(world.writer->remove_tables(ids));
  // The table is tidied up again: most of its rows die, and their segment is rewritten.
  auto second = world.batch();
  for (int i = 1000; i < 1'000'000; ++i) second.erase(orders, {.id = i});
  world.apply(second);
  world.fill();
  EXPECT_EQ(world.store->numbers().at(0).dead_rows, 0U);
  EXPECT_EQ(world.store->numbers().at(0).live_rows, 1000U);
}

TEST(Derive, GoesWithItsTable) {
  World world;
  world.make(big_ones).fill();
  const TableId ids[] = {TableId{orders}};
  must(world.writer->remove_tables(ids));
  EXPECT_EQ(world.made().state, TableState::Failed);
  // Another table of that name comes.
  const auto again = simple_schema(77, "orders");
  const std::vector<TableRecord> records{live_record(world.source, again)};
  must(world.writer->put_tables(records));
  world.schemas = {again};
  auto batch = world.batch();
  batch.insert(77, {1, 10, "a"});
  world.apply(batch);
  world.fill();
  EXPECT_EQ(world.made().state, TableState::Live) << world.made().last_error;
  EXPECT_EQ(world.rows(), (std::vector<std::string>{"1 20 A"}));
}

}  // namespace
}  // namespace freshet::collection
