#include "engine/database.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>

#include "engine/connection.h"
#include "engine/scratch_database.h"

namespace freshet::engine {
namespace {

void ignore_count(ssize_t /*bytes*/) {}

TEST(Database, KeepsWhatWasCommittedOverReopening) {
  ScratchDatabase scratch;
  scratch.run("CREATE TABLE t(id BIGINT, name VARCHAR); INSERT INTO t VALUES (1, 'one')");
  EXPECT_GT(scratch.database().wal_bytes(), 0u);
  scratch.reopen();
  EXPECT_EQ(scratch.text("SELECT id || name FROM t"), "1one");
}

TEST(Database, LosesNothingWhenItsFilesAreCopiedWithoutClosing) {
  ScratchDatabase crashed;
  crashed.run("CREATE TABLE t(id BIGINT); INSERT INTO t VALUES (1)");
  crashed.run("BEGIN; INSERT INTO t VALUES (2)");
  ScratchDatabase copy(crashed.copy_files());
  EXPECT_EQ(copy.text("SELECT list(id) FROM t"), "[1]");
}

TEST(Database, CheckpointEmptiesTheLog) {
  ScratchDatabase scratch;
  scratch.run("CREATE TABLE t AS SELECT range AS id FROM range(100000)");
  ASSERT_TRUE(scratch.database().checkpoint().ok());
  EXPECT_EQ(scratch.database().wal_bytes(), 0u);
  EXPECT_EQ(scratch.text("SELECT count(*) FROM t"), "100000");
}

TEST(Database, NeverCheckpointsByItself) {
  ScratchDatabase scratch;
  scratch.run("CREATE TABLE t AS SELECT range AS id, repeat('x', 100) || range AS x FROM range(0)");
  for (int i = 0; i < 10; ++i) {
    scratch.run("INSERT INTO t SELECT range, repeat('x', 100) || range FROM range(30000)");
  }
  EXPECT_GT(scratch.database().wal_bytes(), 20u << 20);
}

TEST(Database, CheckpointBesideAWriterLosesNothing) {
  ScratchDatabase scratch;
  scratch.run("CREATE TABLE t AS SELECT range AS id FROM range(5000)");
  const auto writer = scratch.connect();
  ASSERT_TRUE(writer->begin().ok());
  ASSERT_TRUE(writer->execute("INSERT INTO t SELECT range + 5000 FROM range(300000)").ok());
  // Refused or not, nothing may be lost; what it must not do is fail for good.
  const Result<> beside = scratch.database().checkpoint();
  EXPECT_TRUE(beside.ok() || beside.error().fault == Fault::Transient);
  ASSERT_TRUE(writer->execute("INSERT INTO t SELECT range + 305000 FROM range(5000)").ok());
  ASSERT_TRUE(writer->commit().ok());
  ScratchDatabase crashed(scratch.copy_files());
  EXPECT_EQ(crashed.text("SELECT count(*) || ',' || count(DISTINCT id) FROM t"), "310000,310000");
  EXPECT_EQ(crashed.text("SELECT count(*) FROM t WHERE id <> rowid"), "0");
  EXPECT_TRUE(scratch.database().checkpoint().ok());
}

TEST(Database, CheckpointWorksBesideAReaderAndKeepsItsSnapshot) {
  ScratchDatabase scratch;
  scratch.run("CREATE TABLE t AS SELECT range AS id FROM range(10)");
  const auto reader = scratch.connect();
  ASSERT_TRUE(reader->begin().ok());
  scratch.run("INSERT INTO t SELECT range FROM range(100000)");
  const Result<> done = scratch.database().checkpoint();
  EXPECT_TRUE(done.ok()) << done.error().message;
  EXPECT_EQ(scratch.text("SELECT count(*) FROM t"), "100010");
  EXPECT_EQ(*(*reader->query("SELECT count(*) FROM t"))[0][0], "10");
}

// The lock is one of processes, so another one has to try.
TEST(Database, SaysThatItsFileIsInUse) {
  const ScratchFolder folder;
  const auto file = folder.path() / "store.duckdb";
  int opened[2];
  int done[2];
  ASSERT_EQ(pipe(opened), 0);
  ASSERT_EQ(pipe(done), 0);
  const pid_t owner = fork();
  if (owner == 0) {
    const auto database = Database::open(file, {});
    char signal = database.ok() ? 'y' : 'n';
    ignore_count(write(opened[1], &signal, 1));
    close(done[1]);
    ignore_count(read(done[0], &signal, 1));  // until the parent closes its end
    _exit(0);
  }
  char signal = 0;
  ASSERT_EQ(read(opened[0], &signal, 1), 1);
  ASSERT_EQ(signal, 'y');
  const auto second = Database::open(file, {});
  close(done[1]);
  waitpid(owner, nullptr, 0);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().sqlstate, "55006") << second.error().message;
  EXPECT_EQ(second.error().fault, Fault::Permanent);
  EXPECT_FALSE(second.error().hint.empty());
}

TEST(Database, RefusesAFileThatIsNotAStore) {
  ScratchFolder folder;
  const auto file = folder.path() / "notes.txt";
  ASSERT_TRUE(
      File::open(file, File::Mode::CreateNew)->write_at(0, as_bytes(std::string(8192, 'x'))).ok());
  const auto opened = Database::open(file, {});
  ASSERT_FALSE(opened.ok());
  EXPECT_NE(opened.error().message.find("notes.txt"), std::string::npos);
}

TEST(Database, LetsASchemaHaveTheNameOfTheProgram) {
  ScratchDatabase scratch;
  scratch.run("CREATE SCHEMA freshet; CREATE VIEW freshet.tables AS SELECT 1 AS one");
  EXPECT_EQ(scratch.text("SELECT one FROM freshet.tables"), "1");
}

// What clients must not reach, each with its SQLSTATE.
struct Forbidden {
  const char* sql;
  const char* sqlstate;
};

class ForbiddenTo : public testing::TestWithParam<Forbidden> {};

TEST_P(ForbiddenTo, Clients) {
  ScratchDatabase scratch;
  scratch.run("CREATE TABLE t(id BIGINT)");
  const Result<> refused = scratch.connection().execute(GetParam().sql);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().sqlstate, GetParam().sqlstate) << refused.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    Files, ForbiddenTo,
    testing::Values(Forbidden{"SELECT * FROM read_csv('/etc/passwd')", "42501"},
                    Forbidden{"SELECT * FROM read_text('/etc/passwd')", "42501"},
                    Forbidden{"SELECT * FROM glob('/*')", "42501"},
                    Forbidden{"SELECT * FROM '/etc/passwd'", "42P01"},
                    Forbidden{"COPY t TO '/tmp/freshet_must_not_exist.csv'", "42501"},
                    Forbidden{"EXPORT DATABASE '/tmp/freshet_must_not_exist'", "42501"},
                    Forbidden{"ATTACH '/tmp/freshet_must_not_exist.db'", "42501"},
                    Forbidden{"LOAD httpfs", "42501"},
                    Forbidden{"SET GLOBAL enable_external_access = true", "22023"},
                    Forbidden{"SET GLOBAL memory_limit = '1TB'", "22023"},
                    Forbidden{"SET GLOBAL lock_configuration = false", "22023"},
                    Forbidden{"SET GLOBAL temp_directory = '/tmp'", "22023"}));

TEST(Database, LetsSessionsChangeWhatIsTheirs) {
  ScratchDatabase scratch;
  const auto other = scratch.connect();
  for (const char* sql :
       {"SET TimeZone = 'Europe/Berlin'", "SET integer_division = true",
        "SET default_null_order = 'nulls_last_on_asc_first_on_desc'", "SET search_path = 'main'"}) {
    const Result<> set = scratch.connection().execute(sql);
    EXPECT_TRUE(set.ok()) << set.error().message;
  }
  EXPECT_EQ(scratch.text("SELECT 7 / 2"), "3");
  EXPECT_EQ(scratch.text("SELECT '2026-01-01 12:00:00+00'::TIMESTAMPTZ::TIMESTAMP"),
            "2026-01-01 13:00:00");
  EXPECT_EQ(*(*other->query("SELECT '2026-01-01 12:00:00+00'::TIMESTAMPTZ::TIMESTAMP"))[0][0],
            "2026-01-01 12:00:00");
  EXPECT_EQ(*(*other->query("SELECT 7 / 2"))[0][0], "3.5");
}

// Sorting twice the memory has to go through the temporary folder, which stays reachable.
TEST(Database, SpillsWhatDoesNotFitIntoMemory) {
  ScratchDatabase scratch({.memory_bytes_max = 48 << 20, .threads = 2});
  const auto rows = scratch.connection().query(
      "SELECT count(*) FROM (SELECT md5(range::VARCHAR) AS m, range FROM range(700000) "
      "ORDER BY m OFFSET 1)");
  ASSERT_TRUE(rows.ok()) << rows.error().message;
  EXPECT_EQ(*(*rows)[0][0], "699999");
}

}  // namespace
}  // namespace freshet::engine
