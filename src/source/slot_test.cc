#include "source/slot.h"

#include <gtest/gtest.h>

#include "postgres/shared_scratch_server.h"
#include "source/leftovers.h"
#include "source/mark.h"
#include "source/replication.h"

namespace freshet::source {
namespace {

using postgres::Connection;
using postgres::TablePatterns;

TEST(Names, KeepASimpleName) {
  const Names names = names_for("shop_1");
  EXPECT_EQ(names.slot, "freshet_shop_1");
  EXPECT_EQ(names.publication, "freshet_shop_1");
  EXPECT_EQ(names.inserts_publication, "freshet_shop_1_inserts");
}

TEST(Names, StayDifferentAfterTheyWereChanged) {
  EXPECT_NE(names_for("Shop").slot, names_for("shop").slot);
  EXPECT_NE(names_for("a-b").slot, names_for("a.b").slot);
  const std::string long_name(100, 'x');
  EXPECT_NE(names_for(long_name).slot, names_for(long_name + "y").slot);
  for (const std::string& name : {std::string("Shop"), std::string("läden"), long_name}) {
    const Names names = names_for(name);
    EXPECT_LE(names.inserts_publication.size(), 63U);
    EXPECT_EQ(names.slot.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"),
              std::string::npos);
  }
}

bool is_ours(const std::string& application_name) {
  return application_name == "freshet";
}

class SlotTest : public testing::Test {
 protected:
  void TearDown() override {
    const std::vector<Leftover> found = find_leftovers(*connection_, names_).value();
    for (const Leftover& leftover : found) {
      EXPECT_TRUE(remove_leftover(*connection_, leftover).ok()) << leftover.name;
    }
  }

  void run(const std::string& sql) {
    const auto done = connection_->query(sql);
    ASSERT_TRUE(done.ok()) << sql << ": " << done.error().message;
  }
  std::string one_value(const std::string& sql) {
    const auto rows = connection_->query(sql);
    return rows.ok() ? rows->rows.at(0).at(0).value_or("") : rows.error().message;
  }
  std::vector<postgres::CatalogTable> tables() {
    return postgres::read_tables(*connection_, TablePatterns()).value();
  }
  void publish_all() {
    const auto published = publish(*connection_, names_, tables());
    ASSERT_TRUE(published.ok()) << published.error().message;
  }
  std::string published_in(const std::string& publication) {
    return one_value(
        "SELECT string_agg(tablename, ' ' ORDER BY tablename) FROM "
        "pg_publication_tables WHERE pubname = '" +
        publication + "'");
  }
  std::string everything() { return published_in(names_.publication); }
  std::string inserts() { return published_in(names_.inserts_publication); }
  void create_slot() {
    run("SELECT pg_create_logical_replication_slot('" + names_.slot + "', 'pgoutput')");
  }
  std::string url() { return postgres::shared_scratch_server().url("slots"); }

  std::unique_ptr<Connection> connection_ = postgres::connect_to_new_database("slots");
  Names names_ = names_for("slots");
};

TEST_F(SlotTest, PublishesNothingAtFirstInTwoPublications) {
  publish_all();
  EXPECT_EQ(one_value("SELECT string_agg(pubname, ' ' ORDER BY pubname) FROM pg_publication"),
            "freshet_slots freshet_slots_inserts");
  EXPECT_EQ(everything(), "");
  EXPECT_EQ(inserts(), "");
}

TEST_F(SlotTest, PublishesTablesByWhatTheirIdentityAllows) {
  run("CREATE TABLE public.keyed (i int PRIMARY KEY); CREATE TABLE public.plain (i int);"
      "CREATE UNLOGGED TABLE public.fleeting (i int PRIMARY KEY);"
      "CREATE TABLE public.root (i int PRIMARY KEY) PARTITION BY RANGE (i);"
      "CREATE TABLE public.leaf PARTITION OF public.root FOR VALUES FROM (0) TO (9);"
      "CREATE TABLE public.parent (i int PRIMARY KEY);"
      "CREATE TABLE public.child () INHERITS (public.parent)");
  publish_all();
  EXPECT_EQ(everything(), "keyed parent root");
  EXPECT_EQ(inserts(), "child plain");
}

TEST_F(SlotTest, NeverMakesTheApplicationsUpdatesFail) {
  run("CREATE TABLE public.plain (i int, x int); INSERT INTO public.plain VALUES (1, 1);"
      "CREATE TABLE public.late (i int PRIMARY KEY DEFERRABLE); INSERT INTO public.late VALUES "
      "(1)");
  publish_all();
  run("UPDATE public.plain SET x = 2");
  run("DELETE FROM public.plain");
  run("UPDATE public.late SET i = 2");
  // The same for a table that loses its key later.
  run("CREATE TABLE public.keyed (i int PRIMARY KEY, x int); INSERT INTO public.keyed VALUES (1)");
  publish_all();
  run("ALTER TABLE public.keyed DROP CONSTRAINT keyed_pkey");
  publish_all();
  run("UPDATE public.keyed SET x = 3");
  EXPECT_EQ(inserts(), "keyed late plain");
}

TEST_F(SlotTest, FollowsTheCatalogWithoutReplacingAnything) {
  run("CREATE TABLE public.a (i int PRIMARY KEY); CREATE TABLE public.b (i int)");
  publish_all();
  const std::string ids = "SELECT string_agg(oid::text, ' ' ORDER BY oid) FROM pg_publication";
  const std::string member =
      "SELECT oid FROM pg_publication_rel WHERE prrelid = 'public.a'::regclass";
  const std::string before = one_value(ids);
  const std::string member_before = one_value(member);
  run("CREATE TABLE public.c (i int PRIMARY KEY); ALTER TABLE public.b ADD PRIMARY KEY (i)");
  publish_all();
  publish_all();
  EXPECT_EQ(everything(), "a b c");
  EXPECT_EQ(inserts(), "");
  EXPECT_EQ(one_value(ids), before);
  EXPECT_EQ(one_value(member), member_before);
  ASSERT_TRUE(publish(*connection_, names_, {}).ok());
  EXPECT_EQ(everything(), "");
}

TEST_F(SlotTest, MendsThePublicationsSettings) {
  run("CREATE TABLE public.a (i int PRIMARY KEY)");
  publish_all();
  run("ALTER PUBLICATION freshet_slots SET (publish = 'insert', publish_via_partition_root = "
      "false)");
  publish_all();
  EXPECT_EQ(one_value("SELECT concat(pubinsert, pubupdate, pubdelete, pubtruncate, pubviaroot) "
                      "FROM pg_publication WHERE pubname = 'freshet_slots'"),
            "ttttt");
  EXPECT_EQ(one_value("SELECT concat(pubinsert, pubupdate, pubdelete, pubtruncate, pubviaroot) "
                      "FROM pg_publication WHERE pubname = 'freshet_slots_inserts'"),
            "tfftt");
}

TEST_F(SlotTest, TellsThatARoleMayNotPublish) {
  run("CREATE TABLE public.a (i int PRIMARY KEY)");
  run("CREATE ROLE small LOGIN REPLICATION");
  std::string small_url = url();
  small_url.replace(small_url.find("postgres@"), 9, "small@");
  {
    const auto small = Connection::connect(small_url, {}).value();
    const auto refused = publish(*small, names_, tables());
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().sqlstate, "42501");
    EXPECT_NE(refused.error().hint.find("CREATE PUBLICATION"), std::string::npos);
    EXPECT_TRUE(small->query("SELECT 1").ok());
  }
  run("DROP ROLE small");
}

TEST_F(SlotTest, SeesTheStatusOfASlot) {
  EXPECT_FALSE(slot_status(*connection_, names_.slot)->exists);
  create_slot();
  const SlotStatus status = slot_status(*connection_, names_.slot).value();
  EXPECT_TRUE(status.exists);
  EXPECT_FALSE(status.active);
  EXPECT_EQ(status.plugin, "pgoutput");
  EXPECT_EQ(status.database, "slots");
  EXPECT_EQ(status.wal_status, "reserved");
  EXPECT_GT(status.confirmed_flush_lsn, Lsn{});
  EXPECT_LE(status.restart_lsn, status.confirmed_flush_lsn);
}

TEST_F(SlotTest, TakesOverFromAWalsenderOfOurs) {
  create_slot();
  publish_all();
  const auto replication =
      Replication::start(url(), {.slot = names_.slot, .publications = "freshet_slots"}).value();
  EXPECT_TRUE(slot_status(*connection_, names_.slot)->active);
  ASSERT_TRUE(take_over(*connection_, names_.slot, is_ours).ok());
  EXPECT_FALSE(slot_status(*connection_, names_.slot)->active);
}

TEST_F(SlotTest, LeavesSomebodyElsesWalsenderAlone) {
  create_slot();
  publish_all();
  const auto other =
      Connection::connect(url(), {.replication = true, .application_name = "other"}).value();
  ASSERT_TRUE(other
                  ->start_copy_both("START_REPLICATION SLOT freshet_slots LOGICAL 0/0 "
                                    "(proto_version '1', publication_names 'freshet_slots')")
                  .ok());
  const auto refused = take_over(*connection_, names_.slot, is_ours);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().sqlstate, "55006");
  EXPECT_EQ(refused.error().fault, Fault::Transient);
  EXPECT_NE(refused.error().message.find("other"), std::string::npos);
  EXPECT_TRUE(other->end_copy(std::chrono::seconds(5)).ok());
}

TEST_F(SlotTest, KnowsWhoseItIs) {
  EXPECT_TRUE(check_mark(*connection_, names_, "0a0a0a0a").ok()) << "nobody's";
  publish_all();
  EXPECT_TRUE(check_mark(*connection_, names_, "0a0a0a0a").ok()) << "not marked yet";
  ASSERT_TRUE(mark(*connection_, names_, "0a0a0a0a").ok());
  EXPECT_TRUE(check_mark(*connection_, names_, "0a0a0a0a").ok());
  const Result<> refused = check_mark(*connection_, names_, "0b0b0b0b");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().sqlstate, "42710");
  EXPECT_EQ(refused.error().fault, Fault::Permanent);
  ASSERT_TRUE(mark(*connection_, names_, "0b0b0b0b").ok());
  EXPECT_TRUE(check_mark(*connection_, names_, "0b0b0b0b").ok());
}

TEST_F(SlotTest, FindsEverythingItMadeAndRemovesItEvenTwice) {
  create_slot();
  publish_all();
  ASSERT_TRUE(mark(*connection_, names_, "0a0a0a0a").ok());
  const std::vector<Leftover> found = find_leftovers(*connection_, names_).value();
  std::string names;
  for (const Leftover& leftover : found) names += leftover.kind + ' ' + leftover.name + '\n';
  EXPECT_EQ(names, "replication slot " + names_.slot + "\npublication " + names_.publication +
                       "\npublication " + names_.inserts_publication + '\n');
  EXPECT_EQ(found.at(1).note, "made by freshet, data folder 0a0a0a0a");
  for (int time = 1; time <= 2; ++time) {
    for (const Leftover& leftover : found) {
      const Result<> removed = remove_leftover(*connection_, leftover);
      EXPECT_TRUE(removed.ok()) << time << ' ' << removed.error().message;
    }
    EXPECT_EQ(one_value("SELECT count(*) FROM pg_publication"), "0");
    EXPECT_FALSE(slot_status(*connection_, names_.slot)->exists);
    EXPECT_TRUE(find_leftovers(*connection_, names_)->empty());
  }
}

TEST_F(SlotTest, LeavesASlotAloneThatCannotBeOurs) {
  run("SELECT pg_create_physical_replication_slot('" + names_.slot + "')");
  const std::vector<Leftover> found = find_leftovers(*connection_, names_).value();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_NE(found.front().why_not.find("physical"), std::string::npos);
  run("SELECT pg_drop_replication_slot('" + names_.slot + "')");
}

TEST_F(SlotTest, ReadsTheSourcesClock) {
  const auto clock = source_clock(*connection_);
  ASSERT_TRUE(clock.ok());
  EXPECT_GT(clock->flushed, Lsn{});
  EXPECT_LT(std::chrono::abs(std::chrono::system_clock::now() - clock->now),
            std::chrono::minutes(1));
}

}  // namespace
}  // namespace freshet::source
