#include "source/replication.h"

#include <gtest/gtest.h>

#include <thread>

#include "source/replication_fixture.h"

namespace freshet::source {
namespace {

TEST_F(ReplicationTest, HandsOverEachTransactionInCommitOrder) {
  const auto replication = start().value();
  run("BEGIN; INSERT INTO public.t VALUES (1, 'a'), (2, 'b'); UPDATE public.t SET x = 'c'; COMMIT");
  run("DELETE FROM public.t WHERE id = 1");
  run("TRUNCATE public.t");

  const TransactionPart first = next_part(*replication);
  EXPECT_EQ(kinds(first.messages), "BIIUUC");
  EXPECT_TRUE(first.first);
  EXPECT_TRUE(first.last);
  EXPECT_LT(first.commit_lsn, first.end_lsn);
  const auto age = std::chrono::system_clock::now() - first.commit_time;
  EXPECT_LT(std::chrono::abs(age), std::chrono::minutes(1));

  const Lsn first_end = first.end_lsn;
  const TransactionPart second = next_part(*replication);
  EXPECT_EQ(kinds(second.messages), "BDC");
  EXPECT_GE(second.commit_lsn, first_end);
  EXPECT_EQ(kinds(next_part(*replication).messages), "BTC");
}

TEST_F(ReplicationTest, CutsALargeTransactionIntoPartsThatFollowEachOther) {
  const auto replication = start({.part_bytes_max = 10'000}).value();
  run("INSERT INTO public.t SELECT i, repeat('x', 100) FROM generate_series(1, 1000) i");
  run("DELETE FROM public.t WHERE id = 1");

  std::string all;
  int parts = 0;
  for (bool last = false; !last; ++parts) {
    const TransactionPart part = next_part(*replication);
    EXPECT_EQ(part.first, parts == 0);
    EXPECT_EQ(part.end_lsn == Lsn{}, !part.last);
    EXPECT_NE(part.commit_lsn, Lsn{});
    EXPECT_LE(part.messages.size(), 10'500U);
    all += kinds(part.messages);
    last = part.last;
  }
  EXPECT_GT(parts, 10);
  EXPECT_EQ(all, "B" + std::string(1000, 'I') + "C");
  EXPECT_EQ(kinds(next_part(*replication).messages), "BDC");
}

TEST_F(ReplicationTest, AnswersInBinaryWhenAsked) {
  for (const bool binary : {true, false}) {
    const auto replication = start({.binary = binary}).value();
    run(fmt::format("INSERT INTO public.t VALUES ({}, 'a')", binary ? 1 : 2));
    const TransactionPart part = next_part(*replication);
    // Insert: I, table, 'N', number of columns, then the first value's kind.
    ByteReader reader(part.messages);
    Bytes message;
    while (message.empty() || message[0] != std::byte{'I'}) {
      ASSERT_FALSE(reader.at_end());
      message = reader.bytes(reader.little<std::uint32_t>());
    }
    EXPECT_EQ(static_cast<char>(message[1 + 4 + 1 + 2]), binary ? 'b' : 't');
    ASSERT_TRUE(replication->confirm(part.end_lsn).ok());
    replication->stop();
    ASSERT_TRUE(free_slot().ok());
  }
}

TEST_F(ReplicationTest, MovesTheConfirmedPositionAndResumesAfterIt) {
  auto replication = start().value();
  run("INSERT INTO public.t VALUES (1, 'a')");
  const Lsn end = next_part(*replication).end_lsn;
  EXPECT_LT(confirmed_on_server(), end);
  ASSERT_TRUE(replication->confirm(end).ok());
  replication->stop();
  replication.reset();
  ASSERT_TRUE(free_slot().ok());
  EXPECT_EQ(confirmed_on_server(), end);

  run("INSERT INTO public.t VALUES (2, 'b')");
  replication = start().value();
  EXPECT_EQ(replication->from(), end);
  const TransactionPart second = next_part(*replication);
  EXPECT_EQ(kinds(second.messages), "BIC");
  EXPECT_GT(second.end_lsn, end);
}

TEST_F(ReplicationTest, ComesAgainWithWhatWasNotConfirmed) {
  auto replication = start().value();
  run("INSERT INTO public.t VALUES (1, 'a')");
  const Lsn end = next_part(*replication).end_lsn;
  replication.reset();
  ASSERT_TRUE(free_slot().ok());
  replication = start().value();
  EXPECT_EQ(next_part(*replication).end_lsn, end);
}

TEST_F(ReplicationTest, FollowsAClusterWhoseChangesAreNotOurs) {
  const auto replication = start({.status_interval = milliseconds(20)}).value();
  run("INSERT INTO public.unpublished SELECT generate_series(1, 100)");
  const Lsn written = lsn_value("SELECT pg_current_wal_flush_lsn()");
  const Lsn idle = read_beyond(*replication, written);
  ASSERT_TRUE(replication->confirm(idle).ok());
  ASSERT_TRUE(replication->next({}, milliseconds(50)).ok());  // a status is due within
  expect_confirmed(idle);
}

TEST_F(ReplicationTest, LetsAFastShutdownOfTheServerPass) {
  const auto server = postgres::ScratchServer::start({.settings = {"fsync=off"}}).value();
  auto connection = Connection::connect(server->url(), {}).value();
  ASSERT_TRUE(connection
                  ->query("CREATE TABLE public.t (i int); CREATE PUBLICATION p FOR TABLE "
                          "public.t")
                  .ok());
  ASSERT_TRUE(connection->query("SELECT pg_create_logical_replication_slot('s', 'pgoutput')").ok());
  const auto replication =
      Replication::start(server->url(), {.slot = "s", .publications = "p"}).value();
  ASSERT_TRUE(connection->query("INSERT INTO public.t SELECT generate_series(1, 10000)").ok());
  connection.reset();

  std::optional<Error> error;
  std::jthread reader([&] {
    while (!error) {
      const auto received = replication->next({}, milliseconds(1000));
      if (!received.ok()) {
        error = received.error();
        continue;
      }
      const auto lsn = received->part ? std::optional(received->part->end_lsn) : received->idle_at;
      if (lsn) ignore(replication->confirm(*lsn));
    }
  });
  const auto began = Clock::now();
  ASSERT_TRUE(server->stop(postgres::StopMode::Fast).ok());
  EXPECT_LT(Clock::now() - began, std::chrono::seconds(20));  // wal_sender_timeout is 60 s
  reader.join();
  EXPECT_EQ(error->fault, Fault::Transient);

  // And what was confirmed is not sent again.
  ASSERT_TRUE(server->start_again().ok());
  const auto again = Replication::start(server->url(), {.slot = "s", .publications = "p"}).value();
  const auto received = again->next({}, milliseconds(100));
  ASSERT_TRUE(received.ok());
  EXPECT_FALSE(received->part);
}

// The reader may be busy elsewhere, with a slow disk for example.
TEST_F(ReplicationTest, StaysAliveWhileNobodyReads) {
  const auto replication = Replication::start(
      postgres::shared_scratch_server().url("replication") +
          "?options=-c%20wal_sender_timeout%3D1s",
      {.slot = "the_slot", .publications = "\"everything\"", .status_interval = milliseconds(300)});
  ASSERT_TRUE(replication.ok()) << replication.error().message;
  const auto deadline = Clock::now() + patience;
  const std::string replied =
      "SELECT coalesce((SELECT max(reply_time - backend_start) FROM pg_stat_replication) > "
      "interval '3 seconds', false), pg_sleep(0.05)";
  while (one_value(replied) != "t") ASSERT_LT(Clock::now(), deadline) << one_value(replied);
  run("INSERT INTO public.t VALUES (1, 'a')");
  EXPECT_EQ(kinds(next_part(**replication).messages), "BIC");
}

TEST_F(ReplicationTest, EndsItsWaitWhenAskedToStop) {
  const auto replication = start({.status_interval = std::chrono::minutes(1)}).value();
  std::stop_source stopping;
  const auto began = Clock::now();
  std::jthread stopper([&] { stopping.request_stop(); });
  while (!stopping.stop_requested()) {
    ASSERT_TRUE(replication->next(stopping.get_token(), std::chrono::seconds(50)).ok());
  }
  EXPECT_LT(Clock::now() - began, std::chrono::seconds(25));
}

TEST_F(ReplicationTest, KnowsWhetherMoreIsThere) {
  const auto replication = start({.status_interval = std::chrono::minutes(1)}).value();
  while (replication->has_more()) ASSERT_TRUE(replication->next({}, milliseconds(0)).ok());
  run("INSERT INTO public.t VALUES (1, 'a')");
  run("INSERT INTO public.t VALUES (2, 'b')");
  const TransactionPart first = next_part(*replication);
  const std::string before(as_text(first.messages));
  // Looking ahead does not touch the part that was handed over.
  const auto deadline = Clock::now() + patience;
  while (!replication->has_more() && Clock::now() < deadline) {
  }
  EXPECT_TRUE(replication->has_more());
  EXPECT_EQ(as_text(first.messages), before);
  EXPECT_EQ(kinds(next_part(*replication).messages), "BIC");
}

// What lies before a transaction was handed over, even if it is only half here itself.
TEST_F(ReplicationTest, ConfirmsWhatLiesBeforeATransactionInTheMiddleOfIt) {
  run("INSERT INTO public.unpublished VALUES (1)");
  const auto replication = start({.part_bytes_max = 1000}).value();
  run("INSERT INTO public.t SELECT i, repeat('x', 100) FROM generate_series(1, 100) i");
  const TransactionPart part = next_part(*replication);
  ASSERT_TRUE(part.first && !part.last);
  ASSERT_LT(replication->from(), part.commit_lsn);
  EXPECT_TRUE(replication->confirm(part.commit_lsn).ok());
  while (!next_part(*replication).last) {
  }
  replication->stop();
  expect_confirmed(part.commit_lsn);
}

TEST_F(ReplicationTest, ReportsABrokenConnectionAsTransient) {
  const auto replication = start().value();
  run("SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots WHERE slot_name = "
      "'the_slot'");
  Result<Received> received = replication->next({}, patience);
  while (received.ok()) received = replication->next({}, patience);
  EXPECT_EQ(received.error().fault, Fault::Transient);
}

TEST_F(ReplicationTest, SaysThatTheSlotIsMissingOrTaken) {
  const auto missing = Replication::start(postgres::shared_scratch_server().url("replication"),
                                          {.slot = "absent", .publications = "p"});
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().sqlstate, "42704");
  EXPECT_EQ(missing.error().fault, Fault::Permanent);

  const auto holder = start().value();
  const auto taken = start();
  ASSERT_FALSE(taken.ok());
  EXPECT_EQ(taken.error().sqlstate, "55006");
  EXPECT_EQ(taken.error().fault, Fault::Transient);
}

TEST_F(ReplicationTest, ReportsAMissingPublicationWithItsName) {
  const auto replication = start({.publications = "\"absent\""}).value();
  run("INSERT INTO public.t VALUES (1, 'a')");
  Result<Received> received = replication->next({}, patience);
  while (received.ok()) received = replication->next({}, patience);
  EXPECT_EQ(received.error().sqlstate, "42704");
  EXPECT_NE(received.error().message.find("absent"), std::string::npos);
}

TEST(StartCommand, AsksEachServerForWhatItKnows) {
  ReplicationOptions options{.slot = "s", .publications = "a,b"};
  EXPECT_EQ(
      start_command(options, Lsn{16}, 150000, true),
      "START_REPLICATION SLOT \"s\" LOGICAL 0/10 (proto_version '2', publication_names 'a,b', "
      "binary 'true', streaming 'on', messages 'true')");
  EXPECT_EQ(
      start_command(options, Lsn{16}, 100000, false),
      "START_REPLICATION SLOT \"s\" LOGICAL 0/10 (proto_version '1', publication_names 'a,b')");
  // 9.4 has these three options, and neither only-local nor include-rewrites.
  options.plugin = postgres::Plugin::TestDecoding;
  EXPECT_EQ(start_command(options, Lsn{16}, 90400, true),
            "START_REPLICATION SLOT \"s\" LOGICAL 0/10 (\"include-xids\" 'off', "
            "\"include-timestamp\" 'on', \"skip-empty-xacts\" 'on')");
  EXPECT_EQ(slot_position_sql("s", 90500), "");
  EXPECT_NE(slot_position_sql("s", 90600).find("confirmed_flush_lsn"), std::string::npos);
}

}  // namespace
}  // namespace freshet::source
