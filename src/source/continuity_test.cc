#include "source/continuity.h"

#include <gtest/gtest.h>

#include "postgres/shared_scratch_server.h"

namespace freshet::source {
namespace {

const Names names = names_for("shop");
const Known known{.source = "shop", .system_id = "77", .timeline = 2, .end = {5000}};
const postgres::SystemId same_system{.id = "77", .timeline = 2, .flushed = {6000}};

SlotStatus our_slot() {
  return {.exists = true,
          .plugin = "pgoutput",
          .database = "shop",
          .of_this_database = true,
          .wal_status = "reserved",
          .restart_lsn = {3000},
          .confirmed_flush_lsn = {4000}};
}

void expect_stale(const Result<>& result, const char* sqlstate, std::string_view part) {
  ASSERT_FALSE(result.ok());
  const Error& error = result.error();
  EXPECT_TRUE(is_stale(error));
  EXPECT_EQ(error.fault, Fault::Permanent);
  EXPECT_EQ(error.sqlstate, sqlstate);
  EXPECT_NE((error.message + " " + error.detail).find(part), std::string::npos)
      << error.message << " / " << error.detail;
  EXPECT_NE(error.hint.find("ALTER SOURCE shop RESYNC"), std::string::npos) << error.hint;
}

TEST(Continuity, HoldsWhereNothingHappened) {
  EXPECT_TRUE(check_system(known, same_system).ok());
  EXPECT_TRUE(check_slot(known, names, our_slot()).ok());
  EXPECT_TRUE(check_wal(known, same_system).ok());
  SlotStatus level = our_slot();
  level.confirmed_flush_lsn = known.end;
  EXPECT_TRUE(check_position(known, names, level).ok());
}

// Nothing says that the URL is right, so nothing is copied from there by itself.
TEST(Continuity, IsRefusedForAnotherClusterWithoutCallingItStale) {
  const Result<> refused = check_system(known, {.id = "78", .timeline = 2, .flushed = {6000}});
  ASSERT_FALSE(refused.ok());
  EXPECT_FALSE(is_stale(refused.error()));
  EXPECT_EQ(refused.error().fault, Fault::Permanent);
  EXPECT_EQ(refused.error().sqlstate, "55000");
  EXPECT_TRUE(check_system({.source = "shop"}, same_system).ok());
}

TEST(Continuity, EndsWithTheSlot) {
  expect_stale(check_slot(known, names, {}), "55S01", "freshet_shop is gone");
}

TEST(Continuity, EndsWithWhatTheSlotLost) {
  SlotStatus slot = our_slot();
  slot.wal_status = "lost";
  expect_stale(check_slot(known, names, slot), "55S02", "max_slot_wal_keep_size");
  slot.invalidation_reason = "idle_timeout";
  expect_stale(check_slot(known, names, slot), "55S02", "idle_replication_slot_timeout");
}

TEST(Continuity, LeavesAnotherProgramsSlotAlone) {
  SlotStatus slot = our_slot();
  slot.plugin = "test_decoding";
  EXPECT_EQ(check_slot(known, names, slot).error().fault, Fault::Permanent);
  Known lines = known;
  lines.plugin = postgres::Plugin::TestDecoding;
  EXPECT_TRUE(check_slot(lines, names, slot).ok());
  const Result<> refused = check_slot(lines, names, our_slot());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().sqlstate, "55000");
  EXPECT_NE(refused.error().hint.find("set it back to \"pgoutput\""), std::string::npos);
  slot = our_slot();
  slot.of_this_database = false;
  EXPECT_EQ(check_slot(known, names, slot).error().fault, Fault::Permanent);
}

// It may be promoted in a moment, and have the slot then.
TEST(Continuity, WaitsForAStandby) {
  SlotStatus slot{.standby = true};
  EXPECT_EQ(check_slot(known, names, slot).error().fault, Fault::Transient);
  slot = our_slot();
  slot.standby = slot.synced = true;
  EXPECT_EQ(check_slot(known, names, slot).error().fault, Fault::Transient);
  slot.synced = false;  // made on the standby itself
  EXPECT_TRUE(check_slot(known, names, slot).ok());
}

TEST(Continuity, EndsWhereTheSlotHasPassedUs) {
  SlotStatus slot = our_slot();
  slot.confirmed_flush_lsn = {5001};
  expect_stale(check_position(known, names, slot), "55S03", "skipped");
}

TEST(Continuity, EndsWhereTheWalDoesNotReachUs) {
  expect_stale(check_wal(known, {.id = "77", .timeline = 2, .flushed = {4999}}), "55S04",
               "restored from a backup");
}

TEST(TimelineHistory, TellsWhereATimelineWasLeft) {
  const std::string_view history =
      "1\t0/3000148\tno recovery target specified\n"
      "# a comment\n"
      "\n"
      "12\t1/A0\tbefore 2024-01-01 00:00:00+00\n"
      "2 0/4000000 reason";
  EXPECT_EQ(left_timeline_at(history, 1), Lsn{0x3000148});
  EXPECT_EQ(left_timeline_at(history, 2), Lsn{0x4000000});
  EXPECT_EQ(left_timeline_at(history, 12), (Lsn{(std::uint64_t{1} << 32U) + 0xa0}));
  EXPECT_EQ(left_timeline_at(history, 3), std::nullopt);
  EXPECT_EQ(left_timeline_at("1", 1), std::nullopt);
  EXPECT_EQ(left_timeline_at("1\tno position", 1), std::nullopt);
  EXPECT_EQ(left_timeline_at("", 1), std::nullopt);
}

// Real promotions are tested from outside (tests/e2e); this is the server's refusal to tell.
TEST(Continuity, NeedsTheServersHistory) {
  const auto replication =
      postgres::Connection::connect(postgres::shared_scratch_server().url(), {.replication = true})
          .value();
  const postgres::SystemId system = postgres::identify(*replication).value();
  Known same{.source = "shop", .timeline = system.timeline, .end = system.flushed};
  EXPECT_TRUE(check_timeline(same, system, *replication).ok());
  same.timeline = system.timeline + 1;
  expect_stale(check_timeline(same, system, *replication), "55S04", "went back");
  postgres::SystemId later = system;
  later.timeline = system.timeline + 7;
  same.timeline = system.timeline;
  EXPECT_FALSE(check_timeline(same, later, *replication).ok());
}

}  // namespace
}  // namespace freshet::source
