// Random changes on several tables against maps, with tidying, reopening and crashes in between.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <map>
#include <random>
#include <thread>

#include "collection/scratch_store.h"
#include "collection/store.h"

namespace freshet::collection {
namespace {

using Rows = std::vector<Row>;

// Tables 1 and 2 have a key, table 3 has none and counts equal rows.
std::vector<std::shared_ptr<const TableSchema>> oracle_schemas() {
  return {simple_schema(1, "one"), simple_schema(2, "two"),
          simple_schema(3, "three", Identity::Full)};
}

class Oracle {
 public:
  explicit Oracle(std::uint64_t seed) : random_(seed) {}

  // Adds a few random changes to `batch` and to what is expected.
  void change(Batch& batch, int changes) {
    for (int i = 0; i < changes; ++i) {
      const auto table = static_cast<std::uint32_t>(1 + random_() % 3);
      if (random_() % 3'000 == 0) {
        batch.truncate(table);
        keyed_[table].clear();
        if (table == 3) counted_.clear();
      } else if (table == 3) {
        change_counted(batch);
      } else {
        change_keyed(batch, table);
      }
    }
  }

  Rows expected(std::uint32_t table) {
    Rows rows;
    if (table == 3) {
      rows.assign(counted_.begin(), counted_.end());
    } else {
      for (const auto& [id, row] : keyed_[table]) rows.push_back(row);
    }
    std::ranges::sort(rows);
    return rows;
  }
  std::uint64_t random() { return random_(); }

 private:
  Row random_row(std::int64_t id) {
    Row row{id, static_cast<std::int64_t>(random_() % 4), std::nullopt};
    if (random_() % 4 != 0)
      row.note = std::string(random_() % 40, static_cast<char>('a' + id % 26));
    return row;
  }

  void change_keyed(Batch& batch, std::uint32_t table) {
    auto& rows = keyed_[table];
    const auto id = static_cast<std::int64_t>(random_() % 3'000);
    const auto found = rows.find(id);
    if (found == rows.end()) {
      const Row row = random_row(id);
      batch.insert(table, row);
      rows[id] = row;
      return;
    }
    const std::uint64_t kind = random_() % 10;
    if (kind < 2) {
      batch.erase(table, {id});
      rows.erase(found);
      return;
    }
    Row row = random_row(id);
    if (kind < 5) {  // the note stays as it was and is not sent
      row.note = found->second.note;
      Row sent = row;
      sent.note_unchanged = true;
      const auto other = static_cast<std::int64_t>(3'000 + random_() % 3'000);
      if (kind == 2 && !rows.contains(other)) {  // with a new key
        row.id = sent.id = other;
        batch.update(table, {id}, sent);
        rows.erase(found);
        rows[other] = row;
        return;
      }
      batch.update(table, sent);
    } else {
      batch.update(table, row);
    }
    rows[id] = row;
  }

  void change_counted(Batch& batch) {
    const std::uint64_t kind = counted_.empty() ? 0 : random_() % 4;
    const Row fresh = random_row(static_cast<std::int64_t>(random_() % 20));
    if (kind < 2) {
      batch.insert(3, fresh);
      counted_.push_back(fresh);
      return;
    }
    const std::size_t at = random_() % counted_.size();
    const Row old = counted_[at];
    counted_[at] = counted_.back();
    counted_.pop_back();
    if (kind == 2) {
      batch.erase(3, old);
    } else {
      batch.update(3, old, fresh);
      counted_.push_back(fresh);
    }
  }

  std::mt19937_64 random_;
  std::map<std::uint32_t, std::map<std::int64_t, Row>> keyed_;
  Rows counted_;
};

void expect_equal(ScratchStore& store, Oracle& oracle, const std::string& when) {
  ASSERT_EQ(store.rows("one"), oracle.expected(1)) << when;
  ASSERT_EQ(store.rows("two"), oracle.expected(2)) << when;
  ASSERT_EQ(store.rows("three"), oracle.expected(3)) << when;
}

TEST(Oracle, AgreesWithMapsThroughEverything) {
  for (const std::uint64_t seed : {1U, 2U}) {
    ScratchStore store(oracle_schemas());
    Oracle oracle(seed);
    for (int step = 0; step < 100; ++step) {
      Batch batch = store.batch();
      oracle.change(batch, static_cast<int>(1 + oracle.random() % 1'500));
      const bool in_parts = oracle.random() % 5 == 0;
      ASSERT_TRUE(store.apply(batch, in_parts).empty());
      if (in_parts) {
        Batch rest = store.batch();
        oracle.change(rest, 300);
        ASSERT_TRUE(store.apply(rest).empty());
      }
      if (oracle.random() % 4 == 0) must(store.writer->tidy());
      if (oracle.random() % 25 == 0) must(store.store->database().checkpoint());
      if (oracle.random() % 20 == 0) store.reopen();
      if (step % 10 == 0) {
        expect_equal(store, oracle,
                     "seed " + std::to_string(seed) + ", step " + std::to_string(step));
      }
      if (HasFatalFailure()) return;
    }
    store.reopen();
    expect_equal(store, oracle, "in the end");
  }
}

// Applies for ever, telling the parent through the pipe after each apply.
[[noreturn]] void apply_until_killed(const ScratchFolder& folder, std::uint64_t seed,
                                     std::uint64_t lsn, int pipe) {
  const auto store = open_store(folder);
  const auto writer = must(store->writer(SourceId{1}));
  std::mt19937_64 random(seed);
  for (;;) {
    ++lsn;
    Batch batch(oracle_schemas());
    const auto value = static_cast<std::int64_t>(lsn);
    for (std::int64_t id = 0; id < 200; ++id) {
      batch.insert(1, {id, value, "x"}).insert(2, {id, value, "y"});
    }
    must(writer->apply(batch.at(lsn).changes, false));
    if (random() % 10 == 0) must(writer->tidy());
    if (random() % 20 == 0) must(store->database().checkpoint());
    const char byte = 1;
    if (write(pipe, &byte, 1) != 1) _exit(1);
  }
}

TEST(Store, SurvivesBeingKilled) {
  ScratchFolder folder;
  {
    const auto store = open_store(folder);
    const SourceId source = must(store->add_source("shop", "freshet_shop")).id;
    const auto writer = must(store->writer(source));
    std::vector<TableRecord> records;
    for (const auto& schema : oracle_schemas()) records.push_back(live_record(source, schema));
    must(writer->put_tables(records));
  }
  std::mt19937_64 random(4);
  std::uint64_t lsn = 0;
  for (int round = 0; round < 8; ++round) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) apply_until_killed(folder, random(), lsn, ends[1]);
    close(ends[1]);
    // Killed somewhere within an apply, after some that it has told of.
    const std::uint64_t told = 3 + random() % 20;
    for (std::uint64_t i = 0; i < told; ++i) {
      char byte = 0;
      ASSERT_EQ(read(ends[0], &byte, 1), 1);
    }
    for (std::uint64_t i = random() % 5'000; i > 0; --i) std::this_thread::yield();
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    close(ends[0]);

    const auto store = open_store(folder);
    const std::uint64_t reached = store->visible(SourceId{1}).lsn.value;
    EXPECT_GE(reached, lsn + told) << "what was applied is durable";
    for (const std::string table : {"one", "two"}) {
      const auto rows = rows_of(*store, table);
      ASSERT_EQ(rows.size(), 200U) << table;
      for (const Row& row : rows) ASSERT_EQ(row.value, static_cast<std::int64_t>(reached));
    }
    lsn = reached;
  }
}

}  // namespace
}  // namespace freshet::collection
