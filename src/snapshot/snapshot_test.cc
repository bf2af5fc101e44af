#include "snapshot/snapshot.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <thread>

#include "postgres/shared_scratch_server.h"
#include "postgres/types.h"
#include "snapshot/table_reader.h"
#include "snapshot/waiting.h"

namespace freshet::snapshot {
namespace {

using postgres::CatalogTable;
using postgres::Connection;
using postgres::TablePatterns;
using std::chrono::milliseconds;

class SnapshotTest : public testing::Test {
 protected:
  void TearDown() override {
    for (int round = 0; round < 100; ++round) {
      // A slot stays active for a moment after its connection was closed.
      ignore(
          connection_->query("SELECT pg_drop_replication_slot(slot_name), pg_sleep(0.02) FROM "
                             "pg_replication_slots WHERE database = 'snapshots'"));
      if (one_value("SELECT count(*) FROM pg_replication_slots WHERE database = 'snapshots'") ==
          "0") {
        return;
      }
    }
    ADD_FAILURE() << "a slot stayed behind";
  }

  void run(const std::string& sql) {
    const auto done = connection_->query(sql);
    ASSERT_TRUE(done.ok()) << sql << ": " << done.error().message;
  }
  std::string one_value(const std::string& sql) {
    const auto rows = connection_->query(sql);
    return rows.ok() ? rows->rows.at(0).at(0).value_or("null") : rows.error().message;
  }
  static std::string url() { return postgres::shared_scratch_server().url("snapshots"); }
  CatalogTable table(const std::string& name) {
    return postgres::read_tables(*connection_, TablePatterns::parse({name}).value()).value().at(0);
  }
  TableId id(const std::string& name) { return table(name).schema.id; }
  static std::unique_ptr<Snapshot> create(SnapshotOptions options = {}) {
    if (options.slot.empty()) options.slot = "snap";
    auto snapshot = Snapshot::create(url(), options);
    if (!snapshot.ok()) ADD_FAILURE() << snapshot.error().message;
    return std::move(snapshot).value();
  }
  static std::unique_ptr<TableReader> reader(const std::string& its_url = url()) {
    return TableReader::connect(its_url, {.lock_timeout = milliseconds(500)}).value();
  }
  // A whole table as copied under the snapshot, by a reader of its own.
  static Result<> copy(Snapshot& snapshot, const CatalogTable& table, const RowSink& sink,
                       CutOptions options = {}, const std::string& its_url = url()) {
    const auto reads = reader(its_url);
    CopyProgress progress;
    std::uint64_t rows = 0;
    const RowSink counted = [&](RowBatch& batch) -> Result<> {
      rows += batch.columns[0].size();
      return sink(batch);
    };
    TRY(reads->open(snapshot, table.schema.id, TableReader::Patience::Waits));
    for (const Piece& piece : TRY(reads->cut(options))) {
      TRY(reads->copy(piece, counted, progress, {}));
    }
    EXPECT_EQ(progress.rows, rows);
    return reads->close();
  }
  // The first column of a table, an int4.
  static std::vector<int> copied_ids(Snapshot& snapshot, const CatalogTable& table,
                                     CutOptions options = {}) {
    std::vector<int> ids;
    const auto add = [&](RowBatch& batch) -> Result<> {
      const std::vector<Column>& columns = batch.columns;
      for (std::size_t row = 0; row < columns[0].size(); ++row) {
        ids.push_back(columns[0].get<std::int32_t>(row));
      }
      return {};
    };
    const auto done = copy(snapshot, table, add, options);
    EXPECT_TRUE(done.ok()) << done.error().message;
    std::ranges::sort(ids);
    return ids;
  }

  std::unique_ptr<Connection> connection_ = postgres::connect_to_new_database("snapshots");
};

// The first values of the rows that a slot streams as inserts, until the row with `last` comes.
std::vector<int> streamed_ids(const std::string& url, const std::string& slot, Lsn start,
                              int last) {
  const auto connection = Connection::connect(url, {.replication = true}).value();
  const auto started = connection->start_copy_both(
      "START_REPLICATION SLOT " + slot + " LOGICAL " + to_string(start) +
      " (proto_version '1', publication_names 'everything')");
  EXPECT_TRUE(started.ok());
  std::vector<int> ids;
  while (ids.empty() || ids.back() != last) {
    const auto payload = connection->read_copy({}, milliseconds(20'000));
    if (!payload.ok() || !*payload) {
      ADD_FAILURE() << "the stream ended before row " << last;
      return ids;
    }
    ByteReader reader(**payload);
    if (reader.big<std::uint8_t>() != 'w') continue;
    reader.bytes(24);
    if (reader.big<std::uint8_t>() != 'I') continue;
    reader.bytes(4 + 1 + 2 + 1);  // table, 'N', number of columns, kind of the first value
    ids.push_back(std::stoi(std::string(as_text(reader.bytes(reader.big<std::uint32_t>())))));
  }
  std::ranges::sort(ids);
  return ids;
}

TEST_F(SnapshotTest, ShowsExactlyTheCommitsBeforeItsPosition) {
  run("CREATE TABLE public.t (id int PRIMARY KEY); INSERT INTO public.t VALUES (1), (2)");
  const auto snapshot = create();
  EXPECT_NE(snapshot->lsn(), Lsn{});
  run("INSERT INTO public.t VALUES (3)");
  EXPECT_EQ(copied_ids(*snapshot, table("t")), (std::vector<int>{1, 2}));
}

TEST_F(SnapshotTest, OutlivesTheTemporarySlotThatOldServersDoNotHave) {
  run("CREATE TABLE public.t (id int PRIMARY KEY); INSERT INTO public.t VALUES (1), (2)");
  const auto snapshot = create({.temporary = true, .plugin = postgres::Plugin::TestDecoding});
  EXPECT_EQ(one_value("SELECT count(*) FROM pg_replication_slots"), "0");
  run("INSERT INTO public.t VALUES (3)");
  EXPECT_EQ(copied_ids(*snapshot, table("t")), (std::vector<int>{1, 2}));
}

TEST_F(SnapshotTest, LeavesASlotOfTestDecodingThatStreamsWhatItDoesNotShow) {
  run("CREATE TABLE public.t (id int PRIMARY KEY); INSERT INTO public.t VALUES (1), (2)");
  const auto snapshot = create({.plugin = postgres::Plugin::TestDecoding});
  run("INSERT INTO public.t VALUES (3)");
  EXPECT_EQ(copied_ids(*snapshot, table("t")), (std::vector<int>{1, 2}));
  EXPECT_EQ(one_value("SELECT string_agg(data, ';') FROM pg_logical_slot_get_changes('snap', NULL, "
                      "NULL, 'include-xids', 'off')"),
            "BEGIN;table public.t: INSERT: id[integer]:3;COMMIT");
}

TEST_F(SnapshotTest, LosesAndDoublesNoRowWhileOthersWrite) {
  run("CREATE TABLE public.t (id int PRIMARY KEY, x text)");
  run("CREATE PUBLICATION everything FOR TABLE public.t");
  constexpr int writers = 4;
  constexpr int writer_range = 1'000'000;
  std::stop_source stopping;
  std::atomic<int> transactions{0};
  std::vector<std::jthread> threads;
  for (int writer = 0; writer < writers; ++writer) {
    threads.emplace_back([&, writer] {
      const auto connection = Connection::connect(url(), {}).value();
      for (int next = writer * writer_range; !stopping.stop_requested(); next += 3) {
        // Two rows, one of them in a subtransaction, and one that is taken back.
        ASSERT_TRUE(
            connection
                ->query(fmt::format("BEGIN; INSERT INTO public.t VALUES ({}); SAVEPOINT s; "
                                    "INSERT INTO public.t VALUES ({}); RELEASE s; SAVEPOINT "
                                    "r; INSERT INTO public.t VALUES ({}); ROLLBACK TO r; "
                                    "COMMIT",
                                    next, next + 1, next + 2))
                .ok());
        ++transactions;
        transactions.notify_all();
      }
    });
  }
  const auto wait_for_more = [&](int more) {
    const int enough = transactions + more;
    for (int seen = transactions; seen < enough; seen = transactions) transactions.wait(seen);
  };
  wait_for_more(40);
  const auto snapshot = create();
  const std::vector<int> copied = copied_ids(*snapshot, table("t"));
  wait_for_more(40);
  stopping.request_stop();
  threads.clear();
  constexpr int last = writers * writer_range;
  run("INSERT INTO public.t VALUES (" + std::to_string(last) + ")");

  std::vector<int> both = streamed_ids(url(), "snap", snapshot->lsn(), last);
  EXPECT_FALSE(copied.empty());
  EXPECT_GT(both.size(), 1U);
  both.insert(both.end(), copied.begin(), copied.end());
  std::ranges::sort(both);
  const auto rows = connection_->query("SELECT id FROM public.t ORDER BY id").value();
  ASSERT_EQ(rows.rows.size(), both.size());
  for (std::size_t i = 0; i < both.size(); ++i) {
    ASSERT_EQ(rows.rows[i][0], std::to_string(both[i]));
  }
}

TEST_F(SnapshotTest, DropsATemporarySlotAndKeepsAPermanentOne) {
  const std::string count = "SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'snap'";
  create({.temporary = true}).reset();
  for (int round = 0; round < 200 && one_value(count) != "0"; ++round) {
    run("SELECT pg_sleep(0.02)");
  }
  EXPECT_EQ(one_value(count), "0");
  create().reset();
  EXPECT_EQ(one_value(count), "1");
}

TEST_F(SnapshotTest, NamesTheTransactionItWaitsForInVain) {
  run("CREATE TABLE public.t (i int)");
  run("BEGIN; INSERT INTO public.t VALUES (1)");
  const auto refused = Snapshot::create(url(), {.slot = "snap", .lock_timeout = milliseconds(200)});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().sqlstate, "55P03");
  EXPECT_EQ(refused.error().fault, Fault::Transient);
  EXPECT_NE(refused.error().detail.find("process " + std::to_string(connection_->backend_pid())),
            std::string::npos)
      << refused.error().detail;
  run("COMMIT");
  EXPECT_EQ(one_value("SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'snap'"), "0");
}

TEST_F(SnapshotTest, SaysThatTheSlotExists) {
  create().reset();
  const auto refused = Snapshot::create(url(), {.slot = "snap"});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().sqlstate, "42710");
  EXPECT_EQ(refused.error().fault, Fault::Permanent);
}

TEST_F(SnapshotTest, KeepsLockedTablesFromBeingRewrittenButNotFromBeingWritten) {
  run("CREATE TABLE public.t (id int PRIMARY KEY); INSERT INTO public.t SELECT generate_series(1, "
      "9);"
      "CREATE TABLE public.root (id int PRIMARY KEY) PARTITION BY RANGE (id);"
      "CREATE TABLE public.leaf PARTITION OF public.root FOR VALUES FROM (0) TO (9)");
  const auto snapshot = create();
  std::vector<std::unique_ptr<TableReader>> readers;
  for (const std::string name : {"t", "root"}) {
    readers.push_back(reader());
    const auto locked = readers.back()->open(*snapshot, id(name), TableReader::Patience::Waits);
    ASSERT_TRUE(locked.ok()) << locked.error().message;
    EXPECT_EQ(locked->schema, table(name).schema);
  }
  run("SET lock_timeout = '100ms'");
  EXPECT_EQ(one_value("SELECT count(*) FROM public.t"), "9");
  for (const std::string rewrite :
       {"VACUUM FULL public.t", "TRUNCATE public.t", "ALTER TABLE public.t ADD COLUMN x int",
        "TRUNCATE public.leaf"}) {
    const auto refused = connection_->query(rewrite);
    ASSERT_FALSE(refused.ok()) << rewrite;
    EXPECT_EQ(refused.error().sqlstate, "55P03") << rewrite;
  }
  run("INSERT INTO public.t VALUES (10); UPDATE public.t SET id = 11 WHERE id = 10");
  ASSERT_TRUE(readers.front()->close().ok());
  run("TRUNCATE public.t");  // the snapshot is still there, and so is the lock of the other table
  EXPECT_EQ(connection_->query("TRUNCATE public.leaf").error().sqlstate, "55P03");
}

TEST_F(SnapshotTest, SeesThatATableWasAlteredBeforeItsLock) {
  int number = 0;
  for (const std::string& change :
       {std::string("TRUNCATE public.t"), std::string("VACUUM FULL public.t"),
        std::string("ALTER TABLE public.t ADD COLUMN late int"),
        std::string("ALTER TABLE public.t RENAME TO u"), std::string("DROP TABLE public.t")}) {
    run("DROP TABLE IF EXISTS public.t, public.u");
    run("CREATE TABLE public.t (id int PRIMARY KEY); INSERT INTO public.t VALUES (1);"
        "CREATE TABLE public.other (id int)");
    const TableId t = id("t");
    const TableId other = id("other");
    auto snapshot = create({.slot = "snap" + std::to_string(++number), .temporary = true});
    run(change);
    const auto reads = reader();
    const auto refused = reads->open(*snapshot, t, TableReader::Patience::Waits);
    ASSERT_FALSE(refused.ok()) << change;
    EXPECT_EQ(refused.error().sqlstate, "40001") << change;
    EXPECT_EQ(refused.error().fault, Fault::Transient) << change;
    // The snapshot is as good as before for the others.
    EXPECT_TRUE(reads->open(*snapshot, other, TableReader::Patience::Waits).ok()) << change;
    ASSERT_TRUE(reads->close().ok());
    snapshot.reset();
    run("DROP TABLE public.other");
  }
}

TEST_F(SnapshotTest, SaysThatATableIsGone) {
  const auto snapshot = create();
  const auto refused = reader()->open(*snapshot, TableId{1}, TableReader::Patience::Waits);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().sqlstate, "42P01");
}

TEST_F(SnapshotTest, CopiesEveryPartitionButNoChildOfAnInheritingTable) {
  run("CREATE TABLE public.root (id int, x text) PARTITION BY RANGE (id);"
      "CREATE TABLE public.low PARTITION OF public.root FOR VALUES FROM (0) TO (10);"
      "CREATE TABLE public.high (x text, id int);"
      "ALTER TABLE public.root ATTACH PARTITION public.high FOR VALUES FROM (10) TO (20);"
      "INSERT INTO public.root VALUES (1, 'a'), (11, 'b');"
      "CREATE TABLE public.parent (id int, e inet); CREATE TABLE public.child () INHERITS "
      "(public.parent);"
      "INSERT INTO public.parent VALUES (1); INSERT INTO public.child VALUES (2)");
  const auto snapshot = create();
  EXPECT_EQ(copied_ids(*snapshot, table("root")), (std::vector<int>{1, 11}));
  EXPECT_EQ(copied_ids(*snapshot, table("parent")), (std::vector<int>{1}));
}

TEST_F(SnapshotTest, CopiesTypesWithoutABinaryFormAsTheStreamWouldSendThem) {
  run("CREATE TYPE public.mood AS ENUM ('fine'); CREATE TYPE public.pair AS (a int, b text);"
      "CREATE DOMAIN public.address AS inet;"
      "CREATE TABLE public.t (id int PRIMARY KEY, m public.mood, n inet, d public.address, "
      "p public.pair, \"Odd \"\"Name\" point);"
      "INSERT INTO public.t VALUES (1, 'fine', '10.0.0.1', '10.0.0.2', (1, 'x'), '(1,2)'),"
      "(2, NULL, NULL, NULL, NULL, NULL), (3, 'fine', '10.0.0.0/8', '::1', (NULL, NULL), '(0,0)')");
  const auto snapshot = create();
  std::string copied;
  const auto add = [&](RowBatch& batch) -> Result<> {
    const std::vector<Column>& columns = batch.columns;
    for (std::size_t row = 0; row < columns[0].size(); ++row) {
      for (std::size_t column = 1; column < columns.size(); ++column) {
        const bool present = columns[column].state(row) == ValueState::Present;
        copied += present ? std::string(columns[column].text(row)) : "null";
        copied += column + 1 < columns.size() ? " " : "\n";
      }
    }
    return {};
  };
  const auto done = copy(*snapshot, table("t"), add);
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_EQ(copied,
            "fine 10.0.0.1 10.0.0.2 (1,x) (1,2)\n"
            "null null null null null\n"
            "fine 10.0.0.0/8 ::1 (,) (0,0)\n");
}

// Every row is in exactly one piece, however the table is cut.
TEST_F(SnapshotTest, CutsATableIntoPiecesThatAreTheWholeTable) {
  run("CREATE TABLE public.t (id int PRIMARY KEY, x text);"
      "INSERT INTO public.t SELECT i, repeat('x', 100) FROM generate_series(1, 20000) i;"
      "DELETE FROM public.t WHERE id % 3 = 0;"
      "CREATE TABLE public.none (id int);"
      "CREATE TABLE public.parent (id int, x text);"
      "CREATE TABLE public.child () INHERITS (public.parent);"
      "INSERT INTO public.parent SELECT i, repeat('x', 100) FROM generate_series(1, 5000) i;"
      "INSERT INTO public.child VALUES (-1)");
  const auto snapshot = create();
  run("UPDATE public.t SET x = 'moved behind the pages that were counted' WHERE id < 10000");
  const CutOptions small{.workers = 3, .piece_bytes_min = 64 << 10};
  std::vector<int> expected;
  for (int i = 1; i <= 20'000; ++i) {
    if (i % 3 != 0) expected.push_back(i);
  }
  EXPECT_EQ(copied_ids(*snapshot, table("t"), small), expected);
  EXPECT_EQ(copied_ids(*snapshot, table("none"), small), std::vector<int>{});
  const std::vector<int> parent = copied_ids(*snapshot, table("parent"), small);
  EXPECT_EQ(parent.size(), 5'000U);
  EXPECT_EQ(parent.front(), 1);

  const auto reads = reader();
  ASSERT_TRUE(reads->open(*snapshot, id("t"), TableReader::Patience::Waits).ok());
  EXPECT_EQ(reads->cut(small)->size(), 12U);
  EXPECT_EQ(reads->cut({.workers = 1, .piece_bytes_min = 1 << 10})->size(), 1U);
  EXPECT_EQ(reads->cut({.workers = 8})->size(), 1U) << "too small to be worth it";
  EXPECT_GT(
      reads->cut({.workers = 2, .piece_bytes_min = 1 << 13, .piece_bytes_max = 1 << 16})->size(),
      8U)
      << "pieces have a largest size";
  ASSERT_TRUE(reads->close().ok());
}

TEST_F(SnapshotTest, CutsAPartitionedTableByItsLeaves) {
  run("CREATE TABLE public.root (id int, x text) PARTITION BY RANGE (id);"
      "CREATE TABLE public.low PARTITION OF public.root FOR VALUES FROM (0) TO (1000);"
      "CREATE TABLE public.high (x text, gone int, id int); ALTER TABLE public.high DROP gone;"
      "ALTER TABLE public.root ATTACH PARTITION public.high FOR VALUES FROM (1000) TO (20000);"
      "INSERT INTO public.root SELECT i, repeat('x', 100) FROM generate_series(1, 19999) i");
  const auto snapshot = create();
  const CutOptions small{.workers = 2, .piece_bytes_min = 256 << 10};
  const std::vector<int> ids = copied_ids(*snapshot, table("root"), small);
  ASSERT_EQ(ids.size(), 19'999U);
  EXPECT_EQ(ids.front(), 1);
  EXPECT_EQ(ids.back(), 19'999);
  const auto reads = reader();
  ASSERT_TRUE(reads->open(*snapshot, id("root"), TableReader::Patience::Waits).ok());
  EXPECT_EQ(reads->cut(small)->size(), 1U + 8U);
  ASSERT_TRUE(reads->close().ok());

  // Who may read the root only reads through it.
  run("CREATE ROLE rooted LOGIN; GRANT SELECT ON public.root TO rooted");
  std::string its_url = url();
  its_url.replace(its_url.find("postgres@"), 9, "rooted@");
  std::size_t rows = 0;
  const auto count = [&](RowBatch& batch) -> Result<> {
    const std::vector<Column>& columns = batch.columns;
    rows += columns[0].size();
    return {};
  };
  const auto done = copy(*snapshot, table("root"), count, small, its_url);
  EXPECT_TRUE(done.ok()) << done.error().message;
  EXPECT_EQ(rows, 19'999U);
  run("DROP OWNED BY rooted; DROP ROLE rooted");
}

TEST_F(SnapshotTest, DoesNotWaitToHelpBehindSomebodyWhoWaits) {
  run("CREATE TABLE public.t (id int PRIMARY KEY); INSERT INTO public.t VALUES (1)");
  const auto snapshot = create();
  const auto first = reader();
  const auto second = reader();
  const TableId t = id("t");
  ASSERT_TRUE(first->open(*snapshot, t, TableReader::Patience::Waits).ok());
  std::jthread truncates([this] {
    EXPECT_TRUE(connection_->query("SET lock_timeout = '20s'; TRUNCATE public.t").ok());
  });
  const auto other = Connection::connect(url(), {}).value();
  std::string holders;
  while (holders.empty()) {
    holders = lock_holders(*other, connection_->backend_pid()).value();
  }
  EXPECT_NE(holders.find("process " + std::to_string(first->backend_pid())), std::string::npos)
      << holders;
  const auto refused = second->open(*snapshot, t, TableReader::Patience::WaitsNot);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().sqlstate, "55P03");
  ASSERT_TRUE(first->close().ok());
}

TEST_F(SnapshotTest, RefusesToCopyPartOfATableBecauseOfRowSecurity) {
  run("CREATE TABLE public.t (id int PRIMARY KEY); INSERT INTO public.t VALUES (1), (2);"
      "ALTER TABLE public.t ENABLE ROW LEVEL SECURITY;"
      "CREATE POLICY one ON public.t USING (id = 1); CREATE ROLE reader LOGIN;"
      "GRANT SELECT ON public.t TO reader");
  const auto snapshot = create();
  std::string reader_url = url();
  reader_url.replace(reader_url.find("postgres@"), 9, "reader@");
  const auto nothing = [](RowBatch&) -> Result<> { return {}; };
  const auto done = copy(*snapshot, table("t"), nothing, {}, reader_url);
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().sqlstate, "42501");
  run("DROP TABLE public.t; DROP ROLE reader");
}

TEST_F(SnapshotTest, CopiesMoreThanOneBatchAndCounts) {
  run("CREATE TABLE public.t AS SELECT i AS id, repeat('x', i % 50) AS x FROM generate_series(1, "
      "50000) i");
  const auto snapshot = create();
  const std::vector<int> ids = copied_ids(*snapshot, table("t"));
  ASSERT_EQ(ids.size(), 50'000U);
  EXPECT_EQ(ids.front(), 1);
  EXPECT_EQ(ids.back(), 50'000);
  EXPECT_EQ(std::ranges::adjacent_find(ids), ids.end());
}

TEST_F(SnapshotTest, StopsACopyOnRequest) {
  run("CREATE TABLE public.t AS SELECT i AS id FROM generate_series(1, 100000) i");
  const auto snapshot = create();
  std::stop_source stopping;
  const auto stops = [&](RowBatch&) -> Result<> {
    stopping.request_stop();
    return {};
  };
  CopyProgress progress;
  const auto reads = reader();
  ASSERT_TRUE(reads->open(*snapshot, id("t"), TableReader::Patience::Waits).ok());
  const Piece whole = reads->cut({}).value().at(0);
  const auto done = reads->copy(whole, stops, progress, stopping.get_token());
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().sqlstate, "57014");
  EXPECT_LT(progress.rows, 100'000U);
}

TEST_F(SnapshotTest, FailsWhenTheSnapshotIsGone) {
  run("CREATE TABLE public.t (id int)");
  const auto snapshot = create();
  EXPECT_TRUE(snapshot->keep_alive().ok());
  run("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
      "WHERE backend_type = 'walsender' AND datname = 'snapshots'");
  EXPECT_FALSE(snapshot->keep_alive().ok());
  const auto refused = reader()->open(*snapshot, id("t"), TableReader::Patience::Waits);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().fault, Fault::Transient) << refused.error().message;
}

}  // namespace
}  // namespace freshet::snapshot
