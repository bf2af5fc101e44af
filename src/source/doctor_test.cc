// The doctor on a server of its own. Each check has its tests in tests/e2e/test_doctor*.py; here is
// what serve asks, and the parts that need no server.
#include "source/doctor.h"

#include <gtest/gtest.h>

#include <set>

#include "postgres/shared_scratch_server.h"
#include "source/doctor_checks.h"

namespace freshet::source {
namespace {

using postgres::Connection;

std::string said(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& finding : findings) {
    text += std::to_string(finding.number) + ' ' + finding.message + " | " + finding.fix + '\n';
  }
  return text;
}

TEST(Doctor, FindsNoObstacleOnAServerThatIsReady) {
  const auto connection = postgres::connect_to_new_database("healthy");
  ASSERT_TRUE(connection->query("CREATE TABLE public.t (i int PRIMARY KEY)").ok());
  const auto found = obstacles(*connection, postgres::shared_scratch_server().url("healthy"),
                               {.source_name = "healthy"});
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_TRUE(found->empty()) << said(*found);
}

TEST(Doctor, NamesEachObstacleWithItsRemedy) {
  const auto server = postgres::ScratchServer::start(
      {.settings = {"fsync=off", "wal_level=replica", "max_replication_slots=0"}});
  ASSERT_TRUE(server.ok());
  const auto admin = Connection::connect((*server)->url(), {}).value();
  ASSERT_TRUE(
      admin->query("CREATE TABLE public.t (i int PRIMARY KEY); CREATE ROLE small LOGIN").ok());
  std::string url = (*server)->url();
  url.replace(url.find("postgres@"), 9, "small@");
  const auto small = Connection::connect(url, {}).value();
  const auto found = obstacles(*small, url, {.source_name = "small"});
  ASSERT_TRUE(found.ok()) << found.error().message;
  std::set<int> numbers;
  for (const Finding& finding : *found) numbers.insert(finding.number);
  // wal_level, slots, role, publishing rights; the table that may not be read fails alone.
  EXPECT_EQ(numbers, (std::set<int>{3, 4, 6, 13})) << said(*found);
  EXPECT_NE(said(*found).find("ALTER ROLE \"small\" REPLICATION"), std::string::npos);
  const Error error = to_error(found->front());
  EXPECT_EQ(error.fault, Fault::Permanent);
  EXPECT_EQ(error.sqlstate, "55000");
  EXPECT_NE(error.hint.find("ALTER SYSTEM SET wal_level"), std::string::npos);
}

TEST(Doctor, ChangesNothing) {
  const auto connection = postgres::connect_to_new_database("untouched");
  ASSERT_TRUE(connection->query("CREATE TABLE public.t (i int PRIMARY KEY)").ok());
  const std::string state =
      "SELECT pg_snapshot_xmax(pg_current_snapshot()), (SELECT count(*) FROM "
      "pg_replication_slots), "
      "(SELECT count(*) FROM pg_publication)";
  const auto before = connection->query(state);
  const auto diagnosis =
      examine(postgres::shared_scratch_server().url("untouched"), {.source_name = "untouched"});
  ASSERT_TRUE(diagnosis.ok()) << diagnosis.error().message;
  EXPECT_LT(diagnosis->worst(), Severity::Blocking) << said(diagnosis->findings);
  const auto after = connection->query(state);
  // Not even a transaction id was used.
  EXPECT_EQ(before->rows, after->rows);
}

TEST(Doctor, HasEveryCheckOnceInItsPlace) {
  int number = 0;
  std::set<std::string_view> names;
  for (const Check& check : all_checks()) {
    EXPECT_EQ(check.number, ++number);
    EXPECT_TRUE(names.insert(check.name).second) << check.name;
  }
  EXPECT_EQ(number, 40);
}

TEST(Doctor, KnowsMinorVersionsWithBugs) {
  for (const int bad : {150000, 150001, 130021, 140018, 150013, 160009, 170005}) {
    EXPECT_NE(decoding_bug(bad), nullptr) << bad;
  }
  for (const int good : {100023, 130022, 140019, 150002, 150018, 160010, 170006, 180004}) {
    EXPECT_EQ(decoding_bug(good), nullptr) << good;
  }
}

TEST(Doctor, KnowsWhetherCommitsWaitForUs) {
  for (const char* yes : {"*", "freshet", "FIRST 1 (standby, *)", "ANY 2 (a, Freshet)",
                          "2 (\"s 1\", \"freshet\")", "a,freshet"}) {
    EXPECT_TRUE(waits_for_us(yes)) << yes;
  }
  for (const char* no :
       {"", "standby", "FIRST 1 (standby)", "\"Freshet\"", "freshet_2", "ANY 1 (a)"}) {
    EXPECT_FALSE(waits_for_us(no)) << no;
  }
}

}  // namespace
}  // namespace freshet::source
