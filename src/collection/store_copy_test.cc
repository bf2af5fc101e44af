#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "collection/scratch_store.h"
#include "collection/store.h"

namespace freshet::collection {
namespace {

using Rows = std::vector<Row>;

// One loader's part of a copy.
void load(Copy& copy, std::int64_t first, std::int64_t count, const std::string& note) {
  const auto loader = must(copy.loader());
  std::vector<Column> columns;
  for (const ColumnSchema& column : copy.schema().columns) columns.emplace_back(column.type);
  for (std::int64_t id = first; id < first + count; ++id) {
    columns[0].append(id);
    columns[1].append(id);
    columns[2].append_string(note);
    if (columns[0].size() < 2'048 && id + 1 < first + count) continue;
    must(loader->append(columns));
    for (Column& column : columns) column.clear();
  }
  must(loader->finish());
}

std::unique_ptr<Copy> copy_of(ScratchStore& store, const std::shared_ptr<const TableSchema>& schema,
                              std::int64_t first, std::int64_t count, const std::string& note) {
  auto copy = must(store.store->copy(store.source, schema));
  load(*copy, first, count, note);
  return copy;
}

void attach(ScratchStore& store, std::unique_ptr<Copy> copy, TableState state,
            std::uint64_t replay_from = 0) {
  std::vector<std::unique_ptr<Copy>> copies;
  copies.push_back(std::move(copy));
  must(store.writer->attach(std::move(copies), state, Lsn{1}, Offset{replay_from}));
}

TEST(Copy, BecomesTheRowsOfItsTable) {
  ScratchStore store;
  const auto schema = simple_schema(1, "t");
  auto copy = copy_of(store, schema, 0, 10'000, "copied");
  EXPECT_EQ(copy->rows(), 10'000U);
  attach(store, std::move(copy), TableState::Live);
  store.schemas = {schema};
  Batch batch = store.batch();
  batch.update(1, {5, 50, "updated"}).erase(1, {6}).insert(1, {20'000, 1, "inserted"});
  store.apply(batch);
  const Rows rows = store.rows("t");
  EXPECT_EQ(rows.size(), 10'000U);
  EXPECT_EQ(rows[5], Row({5, 50, "updated"}));
  EXPECT_EQ(rows[6], Row({7, 7, "copied"}));
  store.reopen();
  EXPECT_EQ(store.rows("t"), rows);
}

TEST(Copy, TakesTheRowsOfSeveralLoadersAtOnce) {
  ScratchStore store;
  const auto schema = simple_schema(1, "t");
  auto copy = must(store.store->copy(store.source, schema));
  {
    std::vector<std::jthread> loaders;
    for (int i = 0; i < 4; ++i) {
      loaders.emplace_back([&, i] { load(*copy, i * 20'000, 20'000, std::to_string(i)); });
    }
  }
  load(*copy, 80'000, 0, "a loader that came too late for any row");
  EXPECT_EQ(copy->rows(), 80'000U);
  attach(store, std::move(copy), TableState::Live);
  store.schemas = {schema};
  Batch batch = store.batch();
  for (std::int64_t i = 0; i < 4; ++i) batch.update(1, {i * 20'000 + 5, -i, "updated"});
  store.apply(batch.erase(1, {79'999}));
  const Rows rows = store.rows("t");
  ASSERT_EQ(rows.size(), 79'999U);
  for (std::int64_t i = 0; i < 4; ++i) {
    EXPECT_EQ(rows[static_cast<std::size_t>(i) * 20'000 + 5], Row({i * 20'000 + 5, -i, "updated"}));
  }
  EXPECT_EQ(rows[79'998], Row({79'998, 79'998, "3"}));
  store.reopen();
  EXPECT_EQ(store.rows("t"), rows);
}

TEST(Copy, RefusesAKeyThatAnotherLoaderHas) {
  ScratchStore store;
  const auto copy = must(store.store->copy(store.source, simple_schema(1, "t")));
  load(*copy, 0, 10, "x");
  std::vector<Column> columns;
  for (const ColumnSchema& column : copy->schema().columns) columns.emplace_back(column.type);
  columns[0].append(std::int64_t{9});
  columns[1].append(std::int64_t{1});
  columns[2].append_null();
  const auto refused = must(copy->loader())->append(columns);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().sqlstate, "23505");
}

TEST(Copy, LeavesNothingBehindWhenItIsGivenUp) {
  ScratchStore store;
  const auto count = [&] {
    const auto connection = must(store.store->database().connect());
    return must(connection->query(
                    "SELECT count(*) FROM duckdb_tables() WHERE schema_name = '_segments'"))
        .at(0)
        .at(0);
  };
  { const auto unfinished = must(store.store->copy(store.source, simple_schema(1, "t"))); }
  EXPECT_EQ(count(), "0");
  {
    const auto half = must(store.store->copy(store.source, simple_schema(1, "t")));
    load(*half, 0, 10, "x");
    const auto given_up = must(half->loader());
  }
  EXPECT_EQ(count(), "0");
  { const auto unattached = copy_of(store, simple_schema(1, "t"), 0, 10, "x"); }
  EXPECT_EQ(count(), "0");
}

TEST(Copy, IsForgottenWhenACrashComesBeforeItIsAttached) {
  ScratchStore store;
  const auto copy = copy_of(store, simple_schema(1, "t"), 0, 10, "x");
  // What a crash would leave: the files as they are now.
  ScratchFolder left;
  std::filesystem::copy(
      store.folder.path(), left.path(),
      std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing);
  const auto reopened = open_store(left);
  const auto connection = must(reopened->database().connect());
  EXPECT_EQ(must(connection->query(
                     "SELECT count(*) FROM duckdb_tables() WHERE schema_name = '_segments'"))
                .at(0)
                .at(0),
            "0");
}

TEST(Copy, RefusesTwoRowsWithOneKey) {
  ScratchStore store;
  const auto schema = simple_schema(1, "t");
  const auto copy = must(store.store->copy(store.source, schema));
  std::vector<Column> columns;
  for (const ColumnSchema& column : schema->columns) columns.emplace_back(column.type);
  for (int i = 0; i < 2; ++i) {
    columns[0].append(std::int64_t{1});
    columns[1].append(std::int64_t{1});
    columns[2].append_null();
  }
  EXPECT_FALSE(must(copy->loader())->append(columns).ok());
}

TEST(Copy, CatchesUpBeforeItIsShown) {
  ScratchStore store({simple_schema(9, "other")});
  const auto schema = simple_schema(1, "t");
  attach(store, copy_of(store, schema, 0, 100, "copied"), TableState::CatchingUp, 40);
  EXPECT_EQ(store.store->tables().at(0).state, TableState::CatchingUp);
  EXPECT_EQ(store.store->tables().at(0).replay_from, Offset{40});

  Batch first({schema});
  first.update(1, {1, -1, "replayed"}).at(5);
  must(store.writer->replay(first.changes, false, {}));
  EXPECT_EQ(store.store->tables().at(0).replay_from, Offset{50});
  EXPECT_EQ(store.store->visible(store.source).lsn, Lsn{0}) << "a replay moves no position";
  {
    const auto reader = must(store.store->reader());
    must(reader->begin());
    EXPECT_FALSE(reader->connection().query("SELECT * FROM store.public.t").ok());
  }
  store.reopen();  // keeps rows and index
  Batch second({schema});
  second.update(1, {1, -2, "again"}).erase(1, {2}).at(6);
  const TableId live{1};
  must(store.writer->replay(second.changes, false, {&live, 1}));
  EXPECT_EQ(store.store->tables().at(0).state, TableState::Live);
  const Rows rows = store.rows("t");
  ASSERT_EQ(rows.size(), 99U);
  EXPECT_EQ(rows[1], Row({1, -2, "again"}));
  EXPECT_EQ(rows[2], Row({3, 3, "copied"}));
}

TEST(Copy, LetsTheOldRowsBeReadUntilTheNewOnesAreThere) {
  ScratchStore store;
  const auto schema = simple_schema(1, "t");
  attach(store, copy_of(store, schema, 0, 3, "old"), TableState::Live);
  attach(store, copy_of(store, schema, 0, 5, "new"), TableState::CatchingUp);
  must(store.writer->tidy());
  EXPECT_EQ(store.rows("t").size(), 3U);
  store.reopen();
  EXPECT_EQ(store.rows("t").size(), 3U);
  Batch nothing({schema});
  const TableId live{1};
  must(store.writer->replay(nothing.at(1).changes, false, {&live, 1}));
  EXPECT_EQ(store.rows("t").size(), 5U);
  must(store.writer->tidy());
  store.reopen();
  EXPECT_EQ(store.rows("t").size(), 5U);
}

TEST(Copy, KeepsTheViewOfATableThatWaitsForACopyOfAnotherShape) {
  ScratchStore store({simple_schema(1, "t")});
  Batch batch = store.batch();
  batch.insert(1, {1, 1, "a"});
  store.apply(batch);
  const auto wider = make_schema(1, "t",
                                 {{.name = "id", .type = int64_type, .in_key = true},
                                  {.name = "value", .type = int64_type},
                                  {.name = "note", .type = text_type},
                                  {.name = "more", .type = int64_type}});
  TableRecord record = live_record(store.source, wider);
  record.state = TableState::Waiting;
  must(store.writer->put_tables({&record, 1}));
  EXPECT_EQ(store.rows("t").size(), 1U);
  store.reopen();
  EXPECT_EQ(store.rows("t").size(), 1U);
  EXPECT_EQ(store.store->tables().at(0).schema->columns.size(), 4U);
  record.state = TableState::Live;  // without a copy: its segments lack a column
  must(store.writer->put_tables({&record, 1}));
  EXPECT_EQ(store.store->tables().at(0).state, TableState::Failed);
}

}  // namespace
}  // namespace freshet::collection
