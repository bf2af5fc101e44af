#include "engine/live.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>

#include "engine/scratch_database.h"

namespace freshet::engine {
namespace {

// Dead are the rows whose id is a multiple of `step`, in segment 1.
class EveryNthIsDead final : public LiveRows {
 public:
  explicit EveryNthIsDead(std::int64_t step) : step_(step) {}
  void test(std::uint32_t segment, const std::int64_t* rows, std::size_t count,
            bool* out) const override {
    calls += 1;
    tested += count;
    for (std::size_t i = 0; i < count; ++i) out[i] = segment != 1 || rows[i] % step_ != 0;
  }
  mutable std::atomic<std::uint64_t> calls = 0;
  mutable std::atomic<std::uint64_t> tested = 0;

 private:
  std::int64_t step_;
};

// A collection of two segments of 200,000 rows each; id counts through both.
class Live : public testing::Test {
 protected:
  void SetUp() override {
    scratch.run(
        "CREATE SCHEMA _segments;"
        "CREATE TABLE _segments.s1 AS SELECT range AS id, range % 10 AS kind, "
        "  'name ' || range AS name FROM range(200000);"
        "CREATE TABLE _segments.s2 AS SELECT range + 200000 AS id, range % 10 AS kind, "
        "  'name ' || range AS name FROM range(200000);"
        "CREATE VIEW v AS SELECT id, kind, name FROM _segments.s1 WHERE live(1, rowid) "
        "UNION ALL SELECT id, kind, name FROM _segments.s2 WHERE live(2, rowid)");
  }
  std::string plan(const std::string& sql) {
    return *ScratchDatabase::must(scratch.connection().query("EXPLAIN " + sql)).at(0).at(1);
  }

  ScratchDatabase scratch;
};

TEST_F(Live, EverythingIsLiveWithoutARoot) {
  EXPECT_EQ(scratch.text("SELECT count(*) FROM v"), "400000");
}

TEST_F(Live, HidesDeadRowsWithFourThreads) {
  const auto rows = std::make_shared<EveryNthIsDead>(4);
  scratch.connection().set_live_rows(rows);
  EXPECT_EQ(scratch.text("SELECT count(*) FROM v"), "350000");
  EXPECT_EQ(scratch.text("SELECT count(*) FROM v WHERE id < 200000 AND id % 4 = 0"), "0");
  EXPECT_EQ(scratch.text("SELECT sum(id) FROM v"),
            scratch.text("SELECT sum(range) FROM range(400000) "
                         "WHERE range >= 200000 OR range % 4 <> 0"));
}

TEST_F(Live, EachConnectionHasItsOwnRoot) {
  const auto other = scratch.connect();
  scratch.connection().set_live_rows(std::make_shared<EveryNthIsDead>(2));
  other->set_live_rows(std::make_shared<EveryNthIsDead>(10));
  EXPECT_EQ(scratch.text("SELECT count(*) FROM v"), "300000");
  EXPECT_EQ(*(*other->query("SELECT count(*) FROM v"))[0][0], "380000");
}

TEST_F(Live, APreparedStatementSeesTheRootOfEachExecution) {
  const auto statement = ScratchDatabase::must(
      scratch.connection().prepare("SELECT count(*) FROM v WHERE kind >= $1"));
  const auto count = [&] {
    const auto rows = ScratchDatabase::must(statement->execute());
    const auto chunk = ScratchDatabase::must(rows->next());
    return static_cast<const std::int64_t*>(chunk->column(0).data())[0];
  };
  ASSERT_TRUE(statement->bind_int64(0, 0).ok());
  EXPECT_EQ(count(), 400000);
  scratch.connection().set_live_rows(std::make_shared<EveryNthIsDead>(2));
  EXPECT_EQ(count(), 300000);
  scratch.connection().set_live_rows(nullptr);
  EXPECT_EQ(count(), 400000);
}

TEST_F(Live, FiltersAndProjectionsReachTheScanBelow) {
  scratch.connection().set_live_rows(std::make_shared<EveryNthIsDead>(2));
  const std::string text = plan("SELECT sum(id) FROM v WHERE kind = 7");
  EXPECT_NE(text.find("kind=7"), std::string::npos) << text;
  EXPECT_NE(text.find("live("), std::string::npos) << text;
  EXPECT_EQ(text.find("name"), std::string::npos) << text;
}

TEST_F(Live, OnlyRowsThatPassTheOtherFiltersAreTested) {
  const auto rows = std::make_shared<EveryNthIsDead>(2);
  scratch.connection().set_live_rows(rows);
  EXPECT_EQ(scratch.text("SELECT count(*) FROM v WHERE id BETWEEN 10 AND 19"), "5");
  EXPECT_LT(rows->tested, 2049u) << "zone maps skip the rest";
}

TEST_F(Live, WorksInJoinsAndSubqueries) {
  scratch.connection().set_live_rows(std::make_shared<EveryNthIsDead>(2));
  EXPECT_EQ(scratch.text("SELECT count(*) FROM v a JOIN v b ON a.id = b.id + 1"), "200000");
  EXPECT_EQ(scratch.text("SELECT count(*) FROM v WHERE id IN (SELECT id FROM v WHERE id < 10)"),
            "5");
}

}  // namespace
}  // namespace freshet::engine
