// A database with a table, published, and a slot; and words for reading it through Replication.
// For the tests of this module.
#pragma once

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "postgres/shared_scratch_server.h"
#include "source/replication.h"
#include "source/slot.h"

namespace freshet::source {

using postgres::Connection;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

inline constexpr milliseconds patience{20'000};

// The first letters of a part's messages: "BIC". Relations are left out: the server sends them
// again whenever it likes.
inline std::string kinds(Bytes messages) {
  std::string result;
  ByteReader reader(messages);
  while (reader.ok() && !reader.at_end()) {
    const Bytes message = reader.bytes(reader.little<std::uint32_t>());
    result += message.empty() ? '?' : static_cast<char>(message[0]);
  }
  std::erase(result, 'R');
  return reader.ok() ? result : result + '!';
}

// A database with a table `t`, published; a slot that nobody reads yet.
class ReplicationTest : public testing::Test {
 protected:
  void SetUp() override {
    run("CREATE TABLE public.t (id int PRIMARY KEY, x text)");
    run("CREATE TABLE public.unpublished (id int PRIMARY KEY)");
    run("CREATE PUBLICATION everything FOR TABLE public.t");
    run("SELECT pg_create_logical_replication_slot('the_slot', 'pgoutput')");
  }
  void TearDown() override {
    ignore(free_slot());
    run("SELECT pg_drop_replication_slot('the_slot')");
  }

  // Waits until nobody reads the slot.
  Result<> free_slot(const std::string& slot = "the_slot") {
    return take_over(*connection_, slot, [](const std::string&) { return true; });
  }

  void run(const std::string& sql) {
    const auto done = connection_->query(sql);
    ASSERT_TRUE(done.ok()) << sql << ": " << done.error().message;
  }
  std::string one_value(const std::string& sql) {
    const auto rows = connection_->query(sql);
    return rows.ok() ? rows->rows.at(0).at(0).value_or("null") : rows.error().message;
  }
  Lsn lsn_value(const std::string& sql) { return parse_lsn(one_value(sql)).value_or(Lsn{}); }
  Lsn confirmed_on_server() { return slot_status(*connection_, "the_slot")->confirmed_flush_lsn; }

  Result<std::unique_ptr<Replication>> start(ReplicationOptions options = {}) {
    options.slot = "the_slot";
    if (options.publications.empty()) options.publications = "\"everything\"";
    return Replication::start(postgres::shared_scratch_server().url("replication"), options);
  }
  // The next part; fails the test when none comes.
  static TransactionPart next_part(Replication& replication) {
    const auto deadline = Clock::now() + patience;
    while (Clock::now() < deadline) {
      const auto received = replication.next({}, milliseconds(1000));
      if (!received.ok()) {
        ADD_FAILURE() << received.error().message;
        return {};
      }
      if (received->part) return *received->part;
    }
    ADD_FAILURE() << "no part came";
    return {};
  }
  // Reads until the position is known to be passed; parts are dropped.
  static Lsn read_beyond(Replication& replication, Lsn lsn) {
    const auto deadline = Clock::now() + patience;
    while (Clock::now() < deadline) {
      const auto received = replication.next({}, milliseconds(1000));
      EXPECT_TRUE(received.ok());
      if (!received.ok()) return {};
      if (received->idle_at && *received->idle_at >= lsn) return *received->idle_at;
    }
    ADD_FAILURE() << "no keepalive at " << to_string(lsn);
    return {};
  }
  // Waits on the server until the slot's confirmed position is at least `lsn`.
  void expect_confirmed(Lsn lsn) {
    for (int round = 0; round < 200 && confirmed_on_server() < lsn; ++round) {
      run("SELECT pg_sleep(0.02)");
    }
    EXPECT_GE(confirmed_on_server(), lsn);
  }

  std::unique_ptr<Connection> connection_ = postgres::connect_to_new_database("replication");
};

}  // namespace freshet::source
