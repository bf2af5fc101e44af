// A source that is begun anew: old rows until the new ones are complete, then all at once.
#include <gtest/gtest.h>

#include "collection/scratch_store.h"
#include "collection/store.h"

namespace freshet::collection {
namespace {

using Rows = std::vector<Row>;

class Anew : public testing::Test {
 protected:
  void SetUp() override {
    Batch batch = store_.batch();
    batch.insert(1, {1, 10, "old"}).insert(1, {2, 20, "old"}).insert(2, {1, 10, "old"}).at(900);
    batch.erase(1, {2});
    store_.apply(batch);
  }

  // As the pipeline does: every table waits for its copy, then the stream begins anew at `lsn`.
  void begin_anew(std::uint64_t lsn) {
    std::vector<TableRecord> waiting;
    for (const auto& schema : store_.schemas) {
      waiting.push_back(live_record(store_.source, schema));
      waiting.back().state = TableState::Waiting;
    }
    must(store_.writer->put_tables(waiting));
    must(store_.writer->begin_anew({.lsn = {lsn}, .offset = {}}));
  }
  void attach(std::uint32_t table, const Row& row) {
    auto copy = must(store_.store->copy(store_.source, store_.schemas.at(table - 1)));
    std::vector<Column> columns;
    for (const ColumnSchema& column : copy->schema().columns) columns.emplace_back(column.type);
    columns[0].append(row.id);
    columns[1].append(row.value);
    columns[2].append_string(*row.note);
    const auto loader = must(copy->loader());
    must(loader->append(columns));
    must(loader->finish());
    std::vector<std::unique_ptr<Copy>> copies;
    copies.push_back(std::move(copy));
    must(store_.writer->attach(std::move(copies), TableState::CatchingUp, Lsn{100}, Offset{0}));
  }
  Lsn visible() { return store_.store->visible(store_.source).lsn; }
  Lsn applied() { return store_.store->applied(store_.source).lsn; }
  Lsn stale_at() { return store_.store->sources().at(0).stale_at; }
  void expect_old_rows() {
    EXPECT_EQ(store_.rows("one"), Rows({{1, 10, "old"}}));
    EXPECT_EQ(store_.rows("two"), Rows({{1, 10, "old"}}));
    EXPECT_EQ(visible(), Lsn{900});
    EXPECT_EQ(stale_at(), Lsn{900});
  }

  ScratchStore store_{{simple_schema(1, "one"), simple_schema(2, "two")}};
  const std::vector<TableId> both_{TableId{1}, TableId{2}};
};

TEST_F(Anew, ShowsOldRowsAtTheirPositionUntilAllNewOnesAreThere) {
  begin_anew(100);  // positions may be lower than before: another history
  expect_old_rows();
  EXPECT_EQ(applied(), Lsn{100});
  attach(1, {7, 70, "new"});
  expect_old_rows();
  attach(2, {7, 70, "new"});
  expect_old_rows();
  must(store_.writer->go_live(both_));
  EXPECT_EQ(store_.rows("one"), Rows({{7, 70, "new"}}));
  EXPECT_EQ(store_.rows("two"), Rows({{7, 70, "new"}}));
  EXPECT_EQ(visible(), Lsn{100});
  EXPECT_EQ(stale_at(), Lsn{0});
}

TEST_F(Anew, SurvivesACrashAnywhere) {
  begin_anew(100);
  store_.reopen();
  expect_old_rows();
  EXPECT_EQ(applied(), Lsn{100});
  attach(1, {7, 70, "new"});
  store_.reopen();
  expect_old_rows();
  attach(2, {7, 70, "new"});
  store_.reopen();
  expect_old_rows();
  must(store_.writer->go_live(both_));
  store_.reopen();
  EXPECT_EQ(store_.rows("one"), Rows({{7, 70, "new"}}));
  EXPECT_EQ(store_.rows("two"), Rows({{7, 70, "new"}}));
  EXPECT_EQ(visible(), Lsn{100});
  EXPECT_EQ(stale_at(), Lsn{0});
}

TEST_F(Anew, CanBeginAgainOnTheWay) {
  begin_anew(100);
  attach(1, {7, 70, "new"});
  begin_anew(200);
  expect_old_rows();
  EXPECT_EQ(applied(), Lsn{200});
  attach(1, {8, 80, "newer"});
  attach(2, {8, 80, "newer"});
  must(store_.writer->go_live(both_));
  EXPECT_EQ(store_.rows("one"), Rows({{8, 80, "newer"}}));
  EXPECT_EQ(store_.rows("two"), Rows({{8, 80, "newer"}}));
}

TEST_F(Anew, KeepsThePositionOfOldRowsWhileTheNewStreamIsApplied) {
  begin_anew(100);
  Batch nothing(std::vector<std::shared_ptr<const TableSchema>>{});
  nothing.at(120);
  must(store_.writer->apply(nothing.changes, false));
  store_.writer->advance({130});
  expect_old_rows();
  EXPECT_EQ(applied(), Lsn{120});
  EXPECT_FALSE(store_.store->wait_visible(store_.source, {901}, std::chrono::milliseconds(1), {}));
  must(store_.writer->go_live({}));
  EXPECT_EQ(visible(), Lsn{120});
}

TEST_F(Anew, GoesOnFromTheNewRows) {
  begin_anew(100);
  attach(1, {7, 70, "new"});
  attach(2, {7, 70, "new"});
  must(store_.writer->go_live(both_));
  Batch batch = store_.batch();
  batch.update(1, {7, 71, "changed"}).insert(2, {8, 80, "more"}).at(150);
  store_.apply(batch);
  EXPECT_EQ(store_.rows("one"), Rows({{7, 71, "changed"}}));
  EXPECT_EQ(store_.rows("two"), Rows({{7, 70, "new"}, {8, 80, "more"}}));
  EXPECT_EQ(visible(), Lsn{150});
}

TEST(AnewWithoutRows, ShowsTheNewPositionAtOnce) {
  ScratchStore store;
  must(store.writer->begin_anew({.lsn = {100}, .offset = {}}));
  EXPECT_EQ(store.store->visible(store.source).lsn, Lsn{100});
  EXPECT_EQ(store.store->sources().at(0).stale_at, Lsn{0});
}

}  // namespace
}  // namespace freshet::collection
