// Large transactions of a real server that sends them while they run. The standing oracle is a
// second slot, read by protocol version 1: what comes out must be the same, byte for byte.
#include <gtest/gtest.h>

#include <random>
#include <utility>

#include "source/replication_fixture.h"
#include "source/scripted_messages.h"

namespace freshet::source {
namespace {

struct Whole {
  Lsn commit_lsn;
  Lsn end_lsn;
  Time commit_time;
  std::string messages;  // without Relations, which depend on what the walsender has sent before

  bool operator==(const Whole&) const = default;
};

std::string without_relations(Bytes messages) {
  std::string kept;
  ByteReader reader(messages);
  while (!reader.at_end()) {
    const Bytes message = reader.bytes(reader.little<std::uint32_t>());
    if (static_cast<char>(message[0]) != 'R') kept += as_text(message);
  }
  EXPECT_TRUE(reader.ok());
  return kept;
}

class StreamingTest : public ReplicationTest {
 protected:
  void SetUp() override {
    ReplicationTest::SetUp();
    run("ALTER DATABASE replication SET logical_decoding_work_mem = '64kB'");
    other_ = connect();
  }
  static std::unique_ptr<Connection> connect() {
    return Connection::connect(postgres::shared_scratch_server().url("replication"), {}).value();
  }
  Result<std::unique_ptr<Replication>> start_streaming(ReplicationOptions options = {}) {
    options.spool.folder = folder_.path() / "spool";
    return start(std::move(options));
  }
  void other_runs(const std::string& sql) {
    const auto done = other_->query(sql);
    ASSERT_TRUE(done.ok()) << sql << ": " << done.error().message;
  }
  // Reads until something of a transaction in progress is here.
  static void read_until_spooled(Replication& replication) {
    const auto deadline = Clock::now() + patience;
    while (replication.spooled_bytes() == 0 && Clock::now() < deadline) {
      const auto received = replication.next({}, milliseconds(100));
      ASSERT_TRUE(received.ok() && !received->part);
    }
    ASSERT_GT(replication.spooled_bytes(), 0U);
  }
  // Every transaction from `all` on up to `end`, or as many as the server can send. It sends again
  // what was not confirmed: a server that failed takes no confirmation any more.
  static Result<> read_to(Replication& replication, Lsn end, std::vector<Whole>& all) {
    const Lsn known = all.empty() ? Lsn{} : all.back().end_lsn;
    std::string messages;
    while (all.empty() || all.back().end_lsn < end) {
      const Received received = TRY(replication.next({}, patience));
      if (!received.part) continue;
      if (received.part->first) messages.clear();
      messages += without_relations(received.part->messages);
      if (!received.part->last || received.part->end_lsn <= known) continue;
      all.push_back({received.part->commit_lsn, received.part->end_lsn, received.part->commit_time,
                     std::exchange(messages, {})});
    }
    return {};
  }
  // The same through the slot, streamed; unstreamed where the server fails.
  std::vector<Whole> read_streamed(Lsn end) {
    ReplicationOptions options = {.part_bytes_max = 10'000, .spool = {.memory_bytes_max = 50'000}};
    std::vector<Whole> all;
    for (bool done = false; !done && !HasFailure();) {
      const auto replication = start_streaming(options).value();
      const Result<> read = read_to(*replication, end, all);
      done = read.ok();
      EXPECT_TRUE(done || replication->streaming_failed()) << read.error().message;
      options.streaming = false;
      if (!all.empty()) {
        EXPECT_TRUE(replication->confirm(all.back().end_lsn).ok());
      }
      replication->stop();
      EXPECT_TRUE(free_slot().ok());
    }
    return all;
  }
  static std::string rows(int from, int to) {
    return fmt::format(
        "INSERT INTO public.t SELECT i, repeat('x', 100) FROM generate_series({}, {}) i;", from,
        to);
  }

  scripted::ScratchFolder folder_;
  std::unique_ptr<Connection> other_;
};

TEST_F(StreamingTest, HandsOverSmallTransactionsWhileALargeOneIsOpen) {
  const auto replication = start_streaming({.part_bytes_max = 20'000}).value();
  other_runs("BEGIN;" + rows(1, 2000));
  for (int i = 0; i < 3; ++i) {
    run(fmt::format("INSERT INTO public.t VALUES (-{}, 'small')", i + 1));
    EXPECT_EQ(kinds(next_part(*replication).messages), "BIC");
  }
  read_until_spooled(*replication);
  other_runs(rows(2001, 4000) + "COMMIT");
  run("DELETE FROM public.t WHERE id = 1");

  std::string all;
  int parts = 0;
  for (bool last = false; !last; ++parts) {
    const TransactionPart part = next_part(*replication);
    EXPECT_LE(part.messages.size(), 21'000U);
    all += kinds(part.messages);
    last = part.last;
  }
  EXPECT_EQ(all, "B" + std::string(4000, 'I') + "C");
  EXPECT_GT(parts, 20);
  EXPECT_EQ(kinds(next_part(*replication).messages), "BDC");
  EXPECT_EQ(replication->spooled_bytes(), 0U);
}

TEST_F(StreamingTest, ForgetsATransactionThatIsRolledBack) {
  const auto replication = start_streaming().value();
  other_runs("BEGIN;" + rows(1, 2000));
  run("INSERT INTO public.t VALUES (-1, 'small')");
  EXPECT_EQ(kinds(next_part(*replication).messages), "BIC");
  read_until_spooled(*replication);
  other_runs("ROLLBACK");
  run("INSERT INTO public.t VALUES (1, 'after')");
  EXPECT_EQ(kinds(next_part(*replication).messages), "BIC");
  EXPECT_EQ(replication->spooled_bytes(), 0U);
}

// A shape that was rolled back must not be seen, and one that was kept must.
TEST_F(StreamingTest, LeavesOutWhatASavepointTookBackAndItsShape) {
  const auto replication = start_streaming().value();
  run("BEGIN;" + rows(1, 1000) + "SAVEPOINT a; ALTER TABLE public.t ADD COLUMN never int;" +
      rows(1001, 2000) + "SAVEPOINT b;" + rows(2001, 3000) + "ROLLBACK TO b;" + rows(3001, 3100) +
      "ROLLBACK TO a; ALTER TABLE public.t ADD COLUMN later int;" + rows(4001, 5000) + "COMMIT");
  std::string all;
  std::string relations;
  for (bool last = false; !last;) {
    const TransactionPart part = next_part(*replication);
    all += kinds(part.messages);
    ByteReader reader(part.messages);
    while (!reader.at_end()) {
      const std::string_view message = as_text(reader.bytes(reader.little<std::uint32_t>()));
      if (message[0] == 'R') relations += message;
    }
    last = part.last;
  }
  EXPECT_EQ(all, "B" + std::string(2000, 'I') + "C");
  EXPECT_EQ(relations.find("never"), std::string::npos);
  EXPECT_NE(relations.find("later"), std::string::npos);
}

TEST_F(StreamingTest, ReceivesAnOpenTransactionAgainAfterAReconnect) {
  auto replication = start_streaming({.status_interval = milliseconds(20)}).value();
  other_runs("BEGIN;" + rows(1, 2000));
  run("INSERT INTO public.t VALUES (-1, 'small')");
  ASSERT_TRUE(replication->confirm(next_part(*replication).end_lsn).ok());
  read_until_spooled(*replication);
  // Positions move on beside it, and what is confirmed is not asked for again …
  run("INSERT INTO public.unpublished VALUES (1)");
  const Lsn idle = read_beyond(*replication, lsn_value("SELECT pg_current_wal_flush_lsn()"));
  ASSERT_TRUE(replication->confirm(idle).ok());
  replication->stop();
  replication.reset();
  ASSERT_TRUE(free_slot().ok());

  // … but the open transaction comes from its beginning.
  replication = start_streaming().value();
  EXPECT_EQ(replication->from(), idle);
  EXPECT_EQ(replication->spooled_bytes(), 0U);
  other_runs(rows(2001, 3000));
  run("INSERT INTO public.t VALUES (-2, 'small')");
  EXPECT_EQ(kinds(next_part(*replication).messages), "BIC");
  read_until_spooled(*replication);
  other_runs("COMMIT");
  std::string all;
  for (bool last = false; !last;) {
    const TransactionPart part = next_part(*replication);
    all += kinds(part.messages);
    last = part.last;
  }
  EXPECT_EQ(all, "B" + std::string(3000, 'I') + "C");
}

// A fault of all servers since 14, seen on 14.23, 15.18, 16.14, 17.10 and 18.4.
TEST_F(StreamingTest, SaysThatTheServerCannotSendATransactionInProgress) {
  run("BEGIN; INSERT INTO public.t VALUES (0); SAVEPOINT a; TRUNCATE public.t;" + rows(1, 300) +
      "ROLLBACK TO a;" + rows(1, 300) + "TRUNCATE public.t; COMMIT");
  auto replication = start_streaming().value();
  Result<Received> received = Received{};
  while (received.ok()) {
    replication->has_more();
    received = replication->next({}, patience);
  }
  EXPECT_EQ(received.error().fault, Fault::Transient);
  EXPECT_NE(received.error().message.find("could not map file"), std::string::npos);
  EXPECT_TRUE(replication->streaming_failed());
  replication.reset();
  ASSERT_TRUE(free_slot().ok());

  replication = start_streaming({.streaming = false}).value();
  EXPECT_EQ(kinds(next_part(*replication).messages), "BI" + std::string(300, 'I') + "TC");
  EXPECT_FALSE(replication->streaming_failed());
}

TEST_F(StreamingTest, DoesNotAskForStreamingWhenToldNotTo) {
  const auto replication = start_streaming({.streaming = false}).value();
  other_runs("BEGIN;" + rows(1, 2000));
  run("INSERT INTO public.t VALUES (-1, 'small')");
  EXPECT_EQ(kinds(next_part(*replication).messages), "BIC");
  other_runs("COMMIT");
  EXPECT_EQ(kinds(next_part(*replication).messages), "B" + std::string(2000, 'I') + "C");
  EXPECT_EQ(replication->spooled_bytes(), 0U);
}

// Two sessions whose transactions overlap, with nested savepoints, some of them rolled back; large
// and small ones, whole rollbacks, truncates and ALTER TABLE.
class RandomSession {
 public:
  RandomSession(int number, Connection& connection, std::mt19937& chance)
      : table_(fmt::format("public.s{}", number)), connection_(connection), chance_(chance) {}

  // One statement of its own random story.
  void step() {
    if (depth_ < 0) {
      depth_ = 0;
      return run("BEGIN");
    }
    switch (pick(12)) {
      case 0: return depth_ < 4 ? run(fmt::format("SAVEPOINT p{}", ++depth_)) : change();
      case 1:
        if (depth_ == 0) return change();
        return run(fmt::format("ROLLBACK TO p{}", 1 + pick(depth_)));
      case 2:
        if (depth_ == 0) return change();
        return run(fmt::format("RELEASE p{}", depth_--));
      case 3: return end(pick(3) == 0 ? "ROLLBACK" : "COMMIT");
      default: return change();
    }
  }
  void end(const std::string& how) {
    if (depth_ >= 0) run(how);
    depth_ = -1;
  }

 private:
  void change() {
    const int kind = pick(40) == 0 ? 0 : 1 + pick(19);
    if (kind == 0) return run("TRUNCATE " + table_);
    if (kind == 1) return run(fmt::format("ALTER TABLE {} ADD COLUMN c{} int", table_, ++columns_));
    if (kind < 6)
      return run(fmt::format("UPDATE {} SET x = x || 'u' WHERE id % 7 = {}", table_, pick(7)));
    if (kind < 8) return run(fmt::format("DELETE FROM {} WHERE id % 11 = {}", table_, pick(11)));
    const int from = next_id_;
    next_id_ += kind < 14 ? 1 : 300;
    run(fmt::format("INSERT INTO {} SELECT i, repeat('x', 90) FROM generate_series({}, {}) i",
                    table_, from, next_id_ - 1));
  }
  int pick(int below) { return std::uniform_int_distribution<int>(0, below - 1)(chance_); }
  void run(const std::string& sql) {
    // A savepoint that was rolled back past is gone: then the statement fails and the rest with it.
    if (connection_.query(sql).ok()) return;
    ignore(connection_.query("ROLLBACK"));
    depth_ = -1;
  }

  std::string table_;
  Connection& connection_;
  std::mt19937& chance_;
  int depth_ = -1;  // open savepoints; -1: no transaction
  int next_id_ = 1;
  int columns_ = 0;
};

TEST_F(StreamingTest, GivesTheSameAsProtocolOneWhateverHappens) {
  const char* given = std::getenv("FRESHET_SEED");
  const auto seed =
      given != nullptr ? static_cast<std::uint32_t>(std::atoll(given)) : std::random_device{}();
  SCOPED_TRACE(fmt::format("FRESHET_SEED={}", seed));
  std::mt19937 chance(seed);
  for (int number : {1, 2}) {
    run(fmt::format("CREATE TABLE public.s{} (id int PRIMARY KEY, x text)", number));
    run(fmt::format("ALTER PUBLICATION everything ADD TABLE public.s{}", number));
  }
  run("SELECT pg_replication_slot_advance('the_slot', pg_current_wal_lsn())");
  run("SELECT pg_copy_logical_replication_slot('the_slot', 'plain')");

  const auto third = connect();
  RandomSession first(1, *other_, chance);
  RandomSession second(2, *third, chance);
  for (int i = 0; i < 400; ++i) {
    (chance() % 2 == 0 ? first : second).step();
    if (chance() % 8 == 0) run(fmt::format("INSERT INTO public.t VALUES ({}, 'small')", i));
  }
  first.end("COMMIT");
  second.end("COMMIT");
  run("INSERT INTO public.t VALUES (-1, 'the end')");
  const Lsn end = lsn_value("SELECT pg_current_wal_flush_lsn()");

  const std::vector<Whole> streamed = read_streamed(end);
  const auto plain = Replication::start(postgres::shared_scratch_server().url("replication"),
                                        {.slot = "plain", .publications = "\"everything\""})
                         .value();
  std::vector<Whole> whole;
  ASSERT_TRUE(read_to(*plain, end, whole).ok());
  EXPECT_GT(one_value("SELECT stream_count FROM pg_stat_replication_slots WHERE slot_name = "
                      "'the_slot'"),
            "0");
  ASSERT_EQ(streamed.size(), whole.size());
  for (std::size_t i = 0; i < whole.size(); ++i) EXPECT_TRUE(streamed[i] == whole[i]) << i;
  plain->stop();
  ASSERT_TRUE(free_slot("plain").ok());
  run("SELECT pg_drop_replication_slot('plain')");
}

}  // namespace
}  // namespace freshet::source
