// Tables that are paused, resumed, and copied again while they answer.
#include <gtest/gtest.h>

#include <filesystem>

#include "collection/scratch_store.h"
#include "collection/store.h"

namespace freshet::collection {
namespace {

using Rows = std::vector<Row>;

// A table of ten rows, and another beside it.
class Beside : public testing::Test {
 protected:
  static constexpr std::uint32_t id = 1;

  Beside() : store_({simple_schema(id, "t"), simple_schema(9, "other")}) {
    Batch rows = store_.batch();
    for (std::int64_t key = 0; key < 10; ++key) rows.insert(id, {key, 0, "first"});
    store_.apply(rows);
    frozen_ = store_.rows("t");
  }

  TableRecord record() {
    for (TableRecord& each : store_.store->tables()) {
      if (each.schema->id == TableId{id}) return each;
    }
    return {};
  }
  void put(TableState state, bool resync = false) {
    TableRecord changed = record();
    changed.state = state;
    changed.resync = resync;
    if (state == TableState::Paused) changed.replay_from = Offset{10};
    must(store_.writer->put_tables({&changed, 1}));
  }
  std::vector<ChangeSet::Stopped> replay(Batch& changes, std::uint64_t lsn, bool live = false) {
    const TableId table{id};
    return must(store_.writer->replay(changes.at(lsn).changes, false,
                                      {&table, std::size_t{live ? 1U : 0U}}));
  }
  void attach_copy(std::int64_t rows, const std::string& note) {
    auto copy = must(store_.store->copy(store_.source, store_.schemas[0]));
    std::vector<Column> columns;
    for (const ColumnSchema& column : store_.schemas[0]->columns) columns.emplace_back(column.type);
    for (std::int64_t key = 0; key < rows; ++key) {
      columns[0].append(key);
      columns[1].append(key);
      columns[2].append_string(note);
    }
    const auto loader = must(copy->loader());
    must(loader->append(columns));
    must(loader->finish());
    std::vector<std::unique_ptr<Copy>> copies;
    copies.push_back(std::move(copy));
    must(store_.writer->attach(std::move(copies), TableState::CatchingUp, Lsn{1}, Offset{20}));
  }
  std::string segments() {
    const auto connection = must(store_.store->database().connect());
    return must(connection->query(
                    "SELECT count(*) FROM duckdb_tables() WHERE schema_name = '_segments'"))
        .at(0)
        .at(0)
        .value_or("");
  }

  ScratchStore store_;
  Rows frozen_;
};

TEST_F(Beside, APausedTableTakesNoChanges) {
  put(TableState::Paused);
  Batch batch = store_.batch();
  batch.update(id, {1, 1, "later"}).insert(9, {1, 1, "x"});
  store_.apply(batch);
  EXPECT_EQ(store_.rows("t"), frozen_);
  EXPECT_EQ(store_.rows("other").size(), 1U);
  EXPECT_TRUE(store_.writer->behind().empty());
  store_.reopen();
  EXPECT_EQ(record().state, TableState::Paused);
  EXPECT_EQ(record().replay_from, Offset{10});
  EXPECT_EQ(store_.rows("t"), frozen_);
}

TEST_F(Beside, AResumedTableIsSeenAsItWasUntilItIsLive) {
  put(TableState::Paused);
  put(TableState::CatchingUp);
  ASSERT_EQ(store_.writer->behind().size(), 1U);
  EXPECT_EQ(store_.writer->behind()[0].replay_from, Offset{10});
  Batch first(store_.schemas);
  first.update(id, {1, 1, "second"}).erase(id, {2}).insert(id, {50, 5, "new"});
  replay(first, 2);
  EXPECT_EQ(store_.writer->behind()[0].replay_from, Offset{20});
  EXPECT_EQ(store_.rows("t"), frozen_);
  EXPECT_TRUE(record().resuming);
  must(store_.writer->tidy());
  Batch second(store_.schemas);
  second.update(id, {1, 2, "third"}).update(id, {50}, {51, 5, "moved"});
  replay(second, 3, true);
  const Rows rows = store_.rows("t");
  ASSERT_EQ(rows.size(), 10U);
  EXPECT_EQ(rows[1], Row({1, 2, "third"}));
  EXPECT_EQ(rows[2].id, 3);
  EXPECT_EQ(rows[9], Row({51, 5, "moved"}));
  EXPECT_EQ(record().state, TableState::Live);
  EXPECT_TRUE(store_.writer->behind().empty());
  store_.reopen();
  EXPECT_EQ(store_.rows("t"), rows);
  store_.lsn = 4;
  Batch after = store_.batch();
  after.update(id, {1, 3, "live"});
  store_.apply(after);
  EXPECT_EQ(store_.rows("t")[1], Row({1, 3, "live"}));
}

TEST_F(Beside, WhatWasReplayedBeforeARestartIsReplayedAgain) {
  put(TableState::Paused);
  put(TableState::CatchingUp);
  const std::string before = segments();
  Batch first(store_.schemas);
  first.truncate(id).insert(id, {1, 1, "second"});
  replay(first, 2);
  EXPECT_EQ(store_.rows("t"), frozen_);
  store_.reopen();
  EXPECT_EQ(store_.rows("t"), frozen_);
  EXPECT_EQ(segments(), before) << "what lay beside is gone";
  EXPECT_EQ(store_.writer->behind()[0].replay_from, Offset{10});
  Batch again(store_.schemas);
  again.truncate(id).insert(id, {1, 1, "second"});
  replay(again, 2, true);
  EXPECT_EQ(store_.rows("t"), Rows({{1, 1, "second"}}));
  must(store_.writer->tidy());
  store_.reopen();
  EXPECT_EQ(store_.rows("t"), Rows({{1, 1, "second"}}));
}

TEST_F(Beside, PausingAgainGoesBackToTheFirstPause) {
  put(TableState::Paused);
  put(TableState::CatchingUp);
  Batch first(store_.schemas);
  first.erase(id, {1}).insert(id, {50, 5, "new"});
  replay(first, 2);
  put(TableState::Paused);
  EXPECT_TRUE(store_.writer->behind().empty());
  EXPECT_EQ(store_.rows("t"), frozen_);
  put(TableState::CatchingUp);
  Batch again(store_.schemas);
  again.erase(id, {1}).insert(id, {50, 5, "new"});
  replay(again, 2, true);
  EXPECT_EQ(store_.rows("t").size(), 10U);
  EXPECT_EQ(store_.rows("t").back(), Row({50, 5, "new"}));
}

TEST_F(Beside, ATableThatIsCopiedAgainIsFollowedMeanwhile) {
  put(TableState::Live, true);
  attach_copy(5, "copied");
  EXPECT_TRUE(record().replaced);
  EXPECT_EQ(store_.rows("t"), frozen_);
  Batch batch = store_.batch();
  batch.update(id, {1, 7, "live"});
  store_.apply(batch);
  EXPECT_EQ(store_.rows("t")[1], Row({1, 7, "live"}));
  Batch same(store_.schemas);
  same.update(id, {1, 7, "live"});
  replay(same, 3);
  EXPECT_EQ(store_.rows("t").size(), 10U);
  Batch nothing(store_.schemas);
  replay(nothing, 4, true);
  const Rows rows = store_.rows("t");
  ASSERT_EQ(rows.size(), 5U);
  EXPECT_EQ(rows[1], Row({1, 7, "live"}));
  EXPECT_EQ(rows[2], Row({2, 2, "copied"}));
  EXPECT_FALSE(record().resync);
  must(store_.writer->tidy());
  store_.reopen();
  EXPECT_EQ(store_.rows("t"), rows);
}

TEST_F(Beside, ACopyBesideIsLostWithARestartAndStillWanted) {
  put(TableState::Live, true);
  const std::string before = segments();
  attach_copy(5, "copied");
  store_.writer.reset();  // as when the source is lost for a moment
  store_.writer = must(store_.store->writer(store_.source));
  EXPECT_FALSE(record().replaced);
  EXPECT_TRUE(record().resync);
  must(store_.writer->tidy());
  EXPECT_EQ(segments(), before);
  EXPECT_EQ(store_.rows("t"), frozen_);
}

TEST_F(Beside, WhatCannotBeReplayedFailsTheTableAsItWas) {
  put(TableState::Paused);
  put(TableState::CatchingUp);
  Batch bad(store_.schemas);
  bad.update(id, {1, 1, "second"});
  bad.update(id, {.id = 77, .value = 1, .note = {}, .note_unchanged = true});
  const auto stopped = replay(bad, 2, true);
  ASSERT_EQ(stopped.size(), 1U);
  EXPECT_EQ(record().state, TableState::Failed);
  EXPECT_EQ(store_.rows("t"), frozen_);
  EXPECT_TRUE(store_.writer->behind().empty());
}

TEST_F(Beside, ARemovedTableTakesWhatIsBesideWithIt) {
  put(TableState::Live, true);
  attach_copy(5, "copied");
  const TableId table{id};
  must(store_.writer->remove_tables({&table, 1}));
  must(store_.writer->tidy());
  EXPECT_TRUE(store_.writer->behind().empty());
  EXPECT_EQ(store_.store->tables().size(), 1U);
}

}  // namespace
}  // namespace freshet::collection
