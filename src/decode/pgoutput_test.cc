#include "decode/pgoutput.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>

#include "decode/scripted_world.h"

namespace freshet::decode {
namespace {

using namespace scripted;

TEST(Pgoutput, InsertsFillTheColumnsOfTheirTable) {
  World world;
  ScriptedPart part;
  part.begin().relation(orders());
  part.insert(orders_id, {number(std::int64_t{1}), text("first"), number(std::int32_t{10})});
  part.insert(orders_id, {text("2"), null(), text("-20")}).commit();
  ASSERT_TRUE(world.decodes(part));

  TableChanges& table = world.table();
  ASSERT_EQ(table.changes.size(), 2U);
  EXPECT_EQ(table.changes[1].op, Op::Insert);
  EXPECT_EQ(table.changes[1].row, 1U);
  EXPECT_EQ(table.changes[1].old, Change::none);
  EXPECT_EQ(table.rows[0].get<std::int64_t>(0), 1);
  EXPECT_EQ(table.rows[0].get<std::int64_t>(1), 2);
  EXPECT_EQ(table.rows[1].text(0), "first");
  EXPECT_EQ(table.rows[1].state(1), ValueState::Null);
  EXPECT_EQ(table.rows[2].get<std::int32_t>(1), -20);
  EXPECT_EQ(world.set.change_count, 2U);
}

TEST(Pgoutput, TheAppliedPositionMovesWithTheLastPart) {
  World world;
  ScriptedPart head({.last = false});
  head.begin().insert(orders_id, {text("1"), null(), null()});
  ASSERT_TRUE(world.decodes(head));
  EXPECT_EQ(world.set.applied.lsn, Lsn{});
  EXPECT_EQ(world.set.transactions, 0U);

  ScriptedPart tail({.first = false});
  tail.insert(orders_id, {text("2"), null(), null()}).commit();
  ASSERT_TRUE(world.decodes(tail));
  EXPECT_EQ(world.set.applied.lsn, Lsn{110});
  EXPECT_EQ(world.set.applied.commit_time, tail.part().commit_time);
  EXPECT_EQ(world.set.transactions, 1U);
  EXPECT_EQ(world.set.payload_bytes, head.part().messages.size() + tail.part().messages.size());
  EXPECT_EQ(world.table().changes.size(), 2U);
}

TEST(Pgoutput, UpdatesWithoutAnOldRowNameItByTheirKey) {
  World world;
  ScriptedPart part;
  part.update(orders_id, {text("1"), unchanged(), text("5")});
  ASSERT_TRUE(world.decodes(part));
  const TableChanges& table = world.table();
  EXPECT_EQ(table.changes[0].op, Op::Update);
  EXPECT_EQ(table.changes[0].old, Change::none);
  EXPECT_EQ(table.rows[1].state(0), ValueState::Unchanged);
  EXPECT_EQ(table.old[0].size(), 0U);
}

TEST(Pgoutput, KeyUpdatesCarryTheOldKeyOnly) {
  World world;
  ScriptedPart part;
  // What is outside the key is null in a key tuple, whatever the row holds.
  part.update(orders_id, 'K', {text("1"), null(), null()}, {text("9"), text("x"), text("5")});
  ASSERT_TRUE(world.decodes(part));
  const TableChanges& table = world.table();
  ASSERT_EQ(table.old.size(), 1U);
  EXPECT_EQ(table.old[0].get<std::int64_t>(table.changes[0].old), 1);
  EXPECT_EQ(table.rows[0].get<std::int64_t>(table.changes[0].row), 9);
}

TEST(Pgoutput, AKeyTooLargeToBeSentTwiceIsTakenFromTheOldKey) {
  TableSchema schema = orders();
  schema.columns[0] = column("id", oid::text, true);
  World world(schema);
  ScriptedPart part;
  part.update(orders_id, 'K', {text("long key"), null(), null()},
              {unchanged(), unchanged(), text("5")});
  ASSERT_TRUE(world.decodes(part));
  EXPECT_EQ(world.table().rows[0].text(0), "long key");
  EXPECT_EQ(world.table().rows[1].state(0), ValueState::Unchanged);
}

TEST(Pgoutput, DeletesCarryTheKeyAndNoRow) {
  World world;
  ScriptedPart part;
  part.remove(orders_id, 'K', {number(std::int64_t{4}), null(), null()});
  ASSERT_TRUE(world.decodes(part));
  const Change change = world.table().changes.at(0);
  EXPECT_EQ(change.op, Op::Delete);
  EXPECT_EQ(change.row, Change::none);
  EXPECT_EQ(world.table().old[0].get<std::int64_t>(change.old), 4);
}

TEST(Pgoutput, FullIdentityTakesUnchangedValuesFromTheOldRow) {
  World world(orders(Identity::Full));
  ScriptedPart part;
  part.update(orders_id, 'O', {text("1"), text("large"), null()},
              {text("1"), unchanged(), text("7")});
  part.remove(orders_id, 'O', {text("1"), text("large"), text("7")});
  ASSERT_TRUE(world.decodes(part));
  const TableChanges& table = world.table();
  ASSERT_EQ(table.old.size(), 3U);
  EXPECT_EQ(table.rows[1].text(0), "large");
  EXPECT_EQ(table.old[2].state(0), ValueState::Null);
  EXPECT_EQ(table.old[2].get<std::int32_t>(1), 7);
  EXPECT_EQ(table.changes[1].old, 1U);
}

TEST(Pgoutput, TruncateReachesEveryTableItNamesThatWeHave) {
  World world;
  TableSchema second = orders();
  second.id = other_id;
  world.set.tables[other_id] = entry(second);
  ScriptedPart part;
  const TableId tables[] = {orders_id, TableId{999}, other_id};
  part.truncate(tables);
  ASSERT_TRUE(world.decodes(part));
  EXPECT_EQ(world.table().changes.at(0).op, Op::Truncate);
  EXPECT_EQ(world.table(other_id).changes.at(0).op, Op::Truncate);
  EXPECT_EQ(world.set.change_count, 2U);
}

TEST(Pgoutput, OriginsTypesAndLogicalMessagesAreReadOver) {
  World world;
  ScriptedPart part;
  std::string origin = "O", type = "Y", logical("M\1", 2);
  ByteWriter(origin).big(std::uint64_t{1});
  ByteWriter(origin).text_with_nul("elsewhere");
  ByteWriter(type).big(std::uint32_t{16'400});
  ByteWriter(type).text_with_nul("public");
  ByteWriter(type).text_with_nul("mood");
  ByteWriter(logical).big(std::uint64_t{1});
  ByteWriter(logical).text_with_nul("prefix");
  ByteWriter(logical).big(std::int32_t{5});
  logical += "hello";
  part.begin().add(origin).add(type).add(logical).commit();
  EXPECT_TRUE(world.decodes(part));
  EXPECT_EQ(world.set.change_count, 0U);
}

TEST(Pgoutput, ChangesOfTablesWithoutAnEntryAreSkipped) {
  World world;
  ScriptedPart part;
  TableSchema other = orders();
  other.id = other_id;
  part.relation(other).insert(other_id, {text("1"), null(), null()});
  part.update(other_id, 'K', {text("1"), null(), null()}, {text("1"), null(), null()});
  part.remove(other_id, 'K', {text("1"), null(), null()});
  EXPECT_TRUE(world.decodes(part));
  EXPECT_EQ(world.set.change_count, 0U);
}

TEST(Pgoutput, CommitsThatTheCopyHasAlreadyAreSkipped) {
  World world;
  world.table().skip_before = Lsn{100};
  ScriptedPart before({.commit = Lsn{99}}), at({.commit = Lsn{100}});
  before.begin().insert(orders_id, {text("1"), null(), null()});
  at.begin().insert(orders_id, {text("2"), null(), null()});
  ASSERT_TRUE(world.decodes(before));
  ASSERT_TRUE(world.decodes(at));
  ASSERT_EQ(world.table().changes.size(), 1U);
  EXPECT_EQ(world.table().rows[0].get<std::int64_t>(0), 2);
}

TEST(Pgoutput, UnknownMessagesAreCorruptionWithTheirByte) {
  for (int byte = 0; byte < 256; ++byte) {
    const char kind = static_cast<char>(byte);
    if (std::string_view("BCORYIUDTM").find(kind) != std::string_view::npos) continue;
    World world;
    ScriptedPart part;
    part.add(std::string(1, kind));
    char expected[64];
    std::snprintf(expected, sizeof expected, "decode transaction at 0/64: unknown message 0x%02x",
                  byte);
    EXPECT_EQ(corruption_of(world.decode(part)), expected);
  }
}

TEST(Pgoutput, MessagesOfAnotherTransactionAreCorruption) {
  ScriptedPart other({.commit = Lsn{300}, .end = Lsn{310}});
  other.begin();
  ScriptedPart other_end({.commit = Lsn{300}, .end = Lsn{310}});
  other_end.commit();
  for (const ScriptedPart* script : {&other, &other_end}) {
    World world;
    TransactionPart part = script->part();
    part.commit_lsn = Lsn{200};
    EXPECT_NE(corruption_of(world.decode(part)), "");
  }
}

// Every message there is, with every kind of value.
std::vector<std::string> all_messages() {
  const scripted::Tuple row{number(std::int64_t{1}), text("note"), null()};
  const scripted::Tuple update_row{number(std::int64_t{1}), unchanged(), binary({"\0\0\0\1", 4})};
  const scripted::Tuple key{number(std::int64_t{1}), null(), null()};
  std::string origin = "O", type = "Y", logical("M\1", 2), truncate = "T";
  ByteWriter(origin).big(std::uint64_t{1});
  ByteWriter(origin).text_with_nul("elsewhere");
  ByteWriter(type).big(std::uint32_t{16'400});
  ByteWriter(type).text_with_nul("public");
  ByteWriter(type).text_with_nul("mood");
  ByteWriter(logical).big(std::uint64_t{1});
  ByteWriter(logical).text_with_nul("prefix");
  ByteWriter(logical).big(std::int32_t{5});
  logical += "hello";
  ByteWriter(truncate).big(std::uint32_t{1});
  truncate.push_back('\0');
  ByteWriter(truncate).big(value(orders_id));
  std::vector<std::string> messages{origin, type, logical, truncate};
  messages.push_back(scripted::relation_message(orders()));
  messages.push_back(scripted::row_message('I', orders_id, '\0', {}, &row));
  messages.push_back(scripted::row_message('U', orders_id, '\0', {}, &row));
  messages.push_back(scripted::row_message('U', orders_id, 'K', key, &row));
  messages.push_back(scripted::row_message('D', orders_id, 'K', key, nullptr));
  std::string begin = "B", commit("C\0", 2);
  ByteWriter(begin).big(std::uint64_t{100});
  ByteWriter(begin).big(std::int64_t{0});
  ByteWriter(begin).big(std::uint32_t{7});
  ByteWriter(commit).big(std::uint64_t{100});
  ByteWriter(commit).big(std::uint64_t{110});
  ByteWriter(commit).big(std::int64_t{0});
  messages.push_back(begin);
  messages.push_back(commit);
  return messages;
}

// Decodes one message in a part of exactly its size, so that a sanitizer sees a read beyond it.
Result<> decode_alone(const std::string& message, World& world) {
  ScriptedPart script;
  script.add(message);
  TransactionPart part = script.part();
  const std::vector<std::byte> exact(part.messages.begin(), part.messages.end());
  part.messages = exact;
  return world.decode(part);
}

TEST(Pgoutput, EveryTruncationOfEveryMessageIsCorruption) {
  for (const std::string& message : all_messages()) {
    World whole;
    EXPECT_TRUE(decode_alone(message, whole).ok()) << message[0];
    for (std::size_t size = 0; size < message.size(); ++size) {
      World world;
      EXPECT_NE(corruption_of(decode_alone(message.substr(0, size), world)), "")
          << message[0] << " cut at " << size;
      for (const Column& each : world.table().rows) EXPECT_EQ(each.size(), 0U);
    }
    World longer;
    EXPECT_NE(corruption_of(decode_alone(message + '\0', longer)), "") << message[0];
  }
}

TEST(Pgoutput, EveryTruncationOfAPartIsCorruptionOrABoundary) {
  ScriptedPart script;
  script.begin().insert(orders_id, {text("1"), text("note"), text("3")}).commit();
  const TransactionPart whole = script.part();
  int boundaries = 0;
  for (std::size_t size = 0; size < whole.messages.size(); ++size) {
    World world;
    TransactionPart part = whole;
    const std::vector<std::byte> exact(whole.messages.begin(),
                                       whole.messages.begin() + static_cast<std::ptrdiff_t>(size));
    part.messages = exact;
    const Result<> result = world.decode(part);
    if (result.ok()) {
      ++boundaries;
    } else {
      EXPECT_EQ(result.error().fault, Fault::Corruption);
    }
  }
  EXPECT_EQ(boundaries, 3);  // nothing, begin, begin and insert
}

TEST(Pgoutput, FlippedBitsNeverLeaveRowsOfDifferentLengths) {
  for (const std::string& message : all_messages()) {
    for (std::size_t bit = 0; bit < message.size() * 8; ++bit) {
      std::string flipped = message;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
      World world;
      ignore(decode_alone(flipped, world));
      for (const auto& [id, table] : world.set.tables) {
        for (const Column& each : table->rows) EXPECT_EQ(each.size(), table->row_count());
        for (const Change& change : table->changes) {
          EXPECT_TRUE(change.row == Change::none || change.row < table->row_count());
          EXPECT_TRUE(change.old == Change::none || change.old < table->old[0].size());
        }
      }
    }
  }
}

}  // namespace
}  // namespace freshet::decode
