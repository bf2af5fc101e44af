// What readers see while the writer goes on.
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>

#include "collection/scratch_store.h"
#include "collection/store.h"

namespace freshet::collection {
namespace {

std::int64_t number(Reader& reader, const std::string& sql) {
  const auto rows = must(reader.connection().query(sql));
  return std::stoll(rows.at(0).at(0).value_or("-999"));
}

TEST(Versions, NeverShowHalfATransaction) {
  // Money moves between rows of two tables; the sum of both stays what it was.
  ScratchStore store({simple_schema(1, "a"), simple_schema(2, "b")});
  constexpr std::int64_t accounts = 50;
  Batch batch = store.batch();
  for (std::int64_t i = 0; i < accounts; ++i) batch.insert(1, {i, 100}).insert(2, {i, 100});
  store.apply(batch);

  std::atomic<bool> done{false};
  std::atomic<int> broken{0};
  std::atomic<int> reads{0};
  std::jthread reading([&] {
    const auto reader = must(store.store->reader());
    std::uint64_t last = 0;
    while (!done) {
      must(reader->begin());
      const std::int64_t sum =
          number(*reader,
                 "SELECT (SELECT sum(value) FROM store.public.a) + (SELECT sum(value) FROM "
                 "store.public.b)");
      // A second statement of the same version sees the same.
      const std::int64_t rows = number(*reader, "SELECT count(*) FROM store.public.a");
      const std::uint64_t lsn = reader->pinned().at(0).second.lsn.value;
      if (sum != 2 * accounts * 100 || rows != accounts || lsn < last) ++broken;
      last = lsn;
      ++reads;
      reader->end();
    }
  });
  std::mt19937_64 random(1);
  std::vector<std::int64_t> balance_a(accounts, 100);
  std::vector<std::int64_t> balance_b(accounts, 100);
  for (int i = 0; i < 800; ++i) {
    Batch move = store.batch();
    for (int k = 0; k < 3; ++k) {
      const std::size_t from = random() % accounts;
      const std::size_t to = random() % accounts;
      balance_a[from] -= 7;
      balance_b[to] += 7;
      move.update(1, {static_cast<std::int64_t>(from), balance_a[from]});
      move.update(2, {static_cast<std::int64_t>(to), balance_b[to]});
    }
    const bool in_parts = i % 50 == 0;
    if (in_parts) {
      store.apply(move, true);
      Batch nothing = store.batch();
      store.apply(nothing);
    } else {
      store.apply(move);
    }
    if (i % 100 == 0) must(store.writer->tidy());
  }
  done = true;
  reading.join();
  EXPECT_EQ(broken, 0);
  EXPECT_GT(reads, 10);
}

TEST(Versions, StayReadableThroughAppliesTruncationsAndTidying) {
  ScratchStore store({simple_schema(1, "t")});
  Batch batch = store.batch();
  for (int i = 0; i < 30'000; ++i) batch.insert(1, {i, 1, "first"});
  store.apply(batch);
  const auto old = must(store.store->reader());
  must(old->begin());
  const std::string sum = "SELECT sum(value) FROM store.public.t";
  EXPECT_EQ(number(*old, sum), 30'000);
  for (int round = 2; round < 5; ++round) {
    Batch next = store.batch();
    for (int i = 0; i < 30'000; ++i) next.update(1, {i, round, "next"});
    store.apply(next);
    while (must(store.writer->tidy())) {
    }
    EXPECT_EQ(number(*old, sum), 30'000) << round;
  }
  Batch last = store.batch();
  last.truncate(1).insert(1, {1, 5, "last"});
  store.apply(last);
  must(store.writer->tidy());
  must(store.writer->checkpoint_if_due());
  EXPECT_EQ(number(*old, sum), 30'000);
  old->end();
  must(old->begin());
  EXPECT_EQ(number(*old, sum), 5);
  old->end();
  must(store.writer->tidy());
  const auto connection = must(store.store->database().connect());
  EXPECT_EQ(must(connection->query(
                     "SELECT count(*) FROM duckdb_tables() WHERE schema_name = '_segments'"))
                .at(0)
                .at(0),
            "1")
      << "segments go when their last reader is gone";
}

TEST(Tidy, RewritesInTheBackgroundWhileChangesArrive) {
  ScratchStore store({simple_schema(1, "t")});
  constexpr std::int64_t rows = 500'000;  // more live rows than are rewritten at once
  const auto apply_all = [&](std::int64_t value, std::int64_t first, std::int64_t step) {
    Batch batch = store.batch();
    for (std::int64_t i = first; i < rows; i += step) {
      value == 0 ? batch.insert(1, {i, value}) : batch.update(1, {i, value});
    }
    store.apply(batch);
  };
  apply_all(0, 0, 1);
  apply_all(1, 0, 1);
  const auto segments = [&] { return store.store->numbers().at(0).segments; };
  const auto dead = [&] { return store.store->numbers().at(0).dead_rows; };
  EXPECT_EQ(dead(), 500'000U);
  apply_all(2, 0, 100);
  // Rows die and come while the copy runs.
  for (int i = 3; dead() > 400'000; ++i) {
    must(store.writer->tidy());
    apply_all(i, i % 1'000, 1'000);
    ASSERT_LT(i, 2'000);
  }
  EXPECT_LE(segments(), 2U);
  Batch last = store.batch();
  for (std::int64_t i = 0; i < rows; i += 10) last.update(1, {i, 7});
  for (std::int64_t i = 1; i < rows; i += 10) last.erase(1, {i});
  store.apply(last);
  const auto count = [&](const std::string& what) {
    const auto reader = must(store.store->reader());
    must(reader->begin());
    return number(*reader, "SELECT count(*) FROM store.public.t WHERE " + what);
  };
  EXPECT_EQ(count("true"), rows - rows / 10);
  EXPECT_EQ(count("id % 10 = 0 AND value = 7"), rows / 10);
  EXPECT_EQ(count("id % 10 = 1"), 0);
  const auto reader = must(store.store->reader());
  must(reader->begin());
  EXPECT_EQ(number(*reader, "SELECT count(DISTINCT id) FROM store.public.t"), rows - rows / 10);
  reader->end();
  store.reopen();
  EXPECT_EQ(count("true"), rows - rows / 10);
  EXPECT_EQ(count("id % 10 = 0 AND value = 7"), rows / 10);
}

}  // namespace
}  // namespace freshet::collection
