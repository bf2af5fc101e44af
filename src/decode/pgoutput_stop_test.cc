// Tables that cannot go on as they are: altered, rewritten, or with a value that does not fit.
#include <gtest/gtest.h>

#include "decode/scripted_world.h"

namespace freshet::decode {
namespace {

using namespace scripted;

TEST(Pgoutput, ATableThatIsToldToBeRewrittenStopsAtThatTransaction) {
  World world;
  const TableSchema schema = orders();
  std::string told("M\1", 2);
  ByteWriter(told).big(std::uint64_t{1});
  ByteWriter(told).text_with_nul("freshet.ddl");
  const std::string content = "rewrite " + std::to_string(value(schema.id));
  ByteWriter(told).big(static_cast<std::int32_t>(content.size()));
  told += content;
  ScriptedPart part;
  part.begin().relation(schema).insert(schema.id, {text("1"), null(), null()}).add(told);
  part.insert(schema.id, {text("2"), null(), null()}).commit();
  EXPECT_TRUE(world.decodes(part));
  EXPECT_EQ(world.stop_reason(), "table public.orders: its rows have been rewritten");
  EXPECT_TRUE(world.set.stopped.at(0).shape_changed);
  EXPECT_EQ(world.set.change_count, 0U);
}

TEST(Pgoutput, ARelationOlderThanTheCopyIsIgnored) {
  World world;
  world.table().skip_before = Lsn{100};
  TableSchema older = orders();
  older.columns.pop_back();
  ScriptedPart before({.commit = Lsn{99}}), after({.commit = Lsn{101}});
  before.relation(older).insert(orders_id, {text("1"), null()});
  after.insert(orders_id, {text("2"), null(), text("3")});
  ASSERT_TRUE(world.decodes(before));
  ASSERT_TRUE(world.decodes(after));
  EXPECT_EQ(world.stop_reason(), "");
  EXPECT_EQ(world.table().changes.size(), 1U);
}

TEST(Pgoutput, ARelationSeenBeforeTheTableWasEnteredCounts) {
  World world;
  TableSchema wider = orders();
  wider.id = other_id;
  wider.columns.push_back(column("added", oid::text));
  ScriptedPart altered({.commit = Lsn{120}}), after({.commit = Lsn{130}});
  altered.relation(wider);
  after.insert(other_id, {text("2"), null(), text("3"), null()});
  ASSERT_TRUE(world.decodes(altered));
  TableSchema copied = orders();
  copied.id = other_id;
  world.set.tables[other_id] = entry(copied, Lsn{115});
  ASSERT_TRUE(world.decodes(after));
  EXPECT_EQ(world.altered, std::vector<std::string>{"column added was added"});
}

TableSchema with_a_column_more() {
  TableSchema altered = orders();
  altered.columns.push_back(column("added", oid::text));
  return altered;
}

TEST(Pgoutput, HandsBackWhereATableHasBeenAltered) {
  World world;
  ScriptedPart part;
  part.begin().relation(orders()).insert(orders_id, {text("1"), null(), null()});
  part.relation(with_a_column_more());
  part.insert(orders_id, {text("2"), null(), null(), text("new")}).commit();

  const auto altered = world.decoder.decode(part.part(), world.set).value();
  ASSERT_TRUE(altered.has_value());
  EXPECT_EQ(altered->schema->id, orders_id);
  EXPECT_EQ(altered->difference, "column added was added");
  EXPECT_EQ(altered->relation.columns.size(), 4U);
  EXPECT_EQ(world.table().changes.size(), 1U);
  EXPECT_EQ(world.set.transactions, 0U) << "the rest is still to come";

  world.set.clear();
  world.set.tables[orders_id] = entry(with_a_column_more());
  ASSERT_FALSE(world.decoder.decode(part.part(), world.set).value().has_value());
  ASSERT_EQ(world.table().changes.size(), 1U);
  EXPECT_EQ(world.table().rows[3].text(0), "new");
  EXPECT_EQ(world.set.transactions, 1U);
  EXPECT_EQ(world.set.payload_bytes, part.part().messages.size());
}

TEST(Pgoutput, AfterAnAlterationABadValueTakesBackNoMoreThanItsTransaction) {
  World world;
  ScriptedPart before({.commit = Lsn{50}, .end = Lsn{60}}), part;
  before.begin().insert(orders_id, {text("1"), null(), null()}).commit();
  part.begin().insert(orders_id, {text("2"), null(), null()}).relation(with_a_column_more());
  part.insert(orders_id, {text("bad"), null(), null(), null()}).commit();
  ASSERT_FALSE(world.decoder.decode(before.part(), world.set).value().has_value());
  ASSERT_TRUE(world.decoder.decode(part.part(), world.set).value().has_value());
  world.set.clear();
  world.set.tables[orders_id] = entry(with_a_column_more());
  ASSERT_FALSE(world.decoder.decode(part.part(), world.set).value().has_value());
  EXPECT_TRUE(world.table().changes.empty());
  EXPECT_EQ(world.set.stopped.size(), 1U);
}

TEST(Pgoutput, ATruncateOfAnAlteredTableIsDecodedOnceForAll) {
  World world;
  TableSchema second = orders();
  second.id = other_id;
  world.set.tables[other_id] = entry(second);
  ScriptedPart described, part({.commit = Lsn{200}, .end = Lsn{210}});
  // Before the entry has another schema: as when a table joins later than its description came.
  TableSchema altered = second;
  altered.columns.push_back(column("added", oid::text));
  described.relation(altered);
  world.set.tables.erase(other_id);
  ASSERT_TRUE(world.decodes(described));
  world.set.tables[other_id] = entry(second);
  part.truncate(std::array{orders_id, other_id});
  ASSERT_TRUE(world.decoder.decode(part.part(), world.set).value().has_value());
  EXPECT_TRUE(world.table().changes.empty());
  world.set.tables[other_id] = entry(altered);
  ASSERT_FALSE(world.decoder.decode(part.part(), world.set).value().has_value());
  EXPECT_EQ(world.table().changes.size(), 1U);
  EXPECT_EQ(world.table(other_id).changes.size(), 1U);
}

TEST(Pgoutput, WithoutAnEntryAnAlteredTableIsSkippedAndTheOthersGoOn) {
  World world;
  TableSchema second = orders();
  second.id = other_id;
  world.set.tables[other_id] = entry(second);
  ScriptedPart part;
  part.begin().relation(with_a_column_more());
  part.insert(orders_id, {text("1"), null(), null(), null()});
  part.insert(other_id, {text("2"), null(), null()}).commit();
  ASSERT_TRUE(world.decodes(part));
  EXPECT_EQ(world.altered.size(), 1U);
  EXPECT_EQ(world.table(other_id).changes.size(), 1U);
  EXPECT_EQ(world.set.change_count, 1U);
}

TEST(Pgoutput, ANewerCopyOfTheSameSchemaStartsAStoppedTableAgain) {
  World world;
  ScriptedPart bad({.commit = Lsn{100}}), later({.commit = Lsn{200}});
  bad.insert(orders_id, {text("no number"), null(), null()});
  later.insert(orders_id, {text("1"), null(), null()});
  ASSERT_TRUE(world.decodes(bad));
  EXPECT_EQ(world.set.stopped.size(), 1U);
  world.table().skip_before = Lsn{150};
  ASSERT_TRUE(world.decodes(later));
  EXPECT_EQ(world.table().changes.size(), 1U);
}

TEST(Pgoutput, ABinaryValueOfATypeThatIsKnownAsTextMeansACopy) {
  TableSchema schema = orders();
  constexpr std::uint32_t varbit = 1562;
  schema.columns[1].pg_type = varbit;
  World world(schema);
  ScriptedPart part;
  part.begin().insert(orders_id, {text("1"), binary("1"), null()}).commit();
  ASSERT_TRUE(world.decodes(part));
  ASSERT_EQ(world.set.stopped.size(), 1U);
  EXPECT_TRUE(world.set.stopped[0].shape_changed);
  EXPECT_EQ(world.set.change_count, 0U);
}

TEST(Pgoutput, AValueThatDoesNotFitStopsItsTableAndLeavesNoHalfRow) {
  World world;
  ScriptedPart first, second({.commit = Lsn{200}, .end = Lsn{210}});
  first.begin().insert(orders_id, {text("1"), text("stays"), text("1")}).commit();
  second.begin().insert(orders_id, {text("2"), text("goes"), text("2")});
  second.insert(orders_id, {text("3"), text("bad"), text("99999999999")});
  second.insert(orders_id, {text("4"), text("skipped"), text("4")}).commit();
  ASSERT_TRUE(world.decodes(first));
  ASSERT_TRUE(world.decodes(second));

  ASSERT_EQ(world.set.stopped.size(), 1U);
  EXPECT_FALSE(world.set.stopped[0].shape_changed);
  EXPECT_EQ(world.stop_reason(), "table public.orders: column total: malformed text int4");
  // The table stands where the transaction before left it: never at half of one.
  EXPECT_EQ(world.table().changes.size(), 1U);
  EXPECT_EQ(world.set.change_count, 1U);
  for (const Column& each : world.table().rows) EXPECT_EQ(each.size(), 1U);
  EXPECT_EQ(world.set.applied.lsn, Lsn{210});
}

TEST(Pgoutput, StoppingInALaterPartTakesBackTheEarlierOnesOfTheSameSet) {
  World world;
  ScriptedPart before, head({.commit = Lsn{200}, .last = false}),
      tail({.commit = Lsn{200}, .end = Lsn{210}, .first = false});
  before.insert(orders_id, {text("1"), null(), null()});
  head.insert(orders_id, {text("2"), null(), null()});
  tail.insert(orders_id, {text("bad"), null(), null()});
  for (const ScriptedPart* part : {&before, &head, &tail}) ASSERT_TRUE(world.decodes(*part));
  EXPECT_EQ(world.table().changes.size(), 1U);
  EXPECT_EQ(world.set.change_count, 1U);
}

TEST(Pgoutput, StoppingAfterTheSetWasEmptiedTakesBackWhatIsInIt) {
  World world;
  ScriptedPart head({.last = false}), tail({.first = false});
  head.insert(orders_id, {text("1"), null(), null()});
  tail.insert(orders_id, {text("2"), null(), null()});
  tail.insert(orders_id, {text("bad"), null(), null()});
  ASSERT_TRUE(world.decodes(head));
  world.set.clear();
  ASSERT_TRUE(world.decodes(tail));
  EXPECT_TRUE(world.table().changes.empty());
  EXPECT_EQ(world.table().row_count(), 0U);
  EXPECT_EQ(world.set.change_count, 0U);
}

TEST(Pgoutput, TablesWithoutIdentityTakeInsertsAndTruncatesOnly) {
  World world(orders(Identity::None));
  ScriptedPart fine({.commit = Lsn{100}}), update({.commit = Lsn{200}});
  fine.relation(orders(Identity::None)).insert(orders_id, {text("1"), null(), null()});
  update.update(orders_id, {text("1"), null(), null()});
  ASSERT_TRUE(world.decodes(fine));
  ASSERT_TRUE(world.decodes(update));
  EXPECT_EQ(world.table().changes.size(), 1U);
  EXPECT_EQ(world.stop_reason(), "table public.orders: updates and deletes of it are sent now");
  EXPECT_TRUE(world.set.stopped[0].shape_changed);
}

TEST(Pgoutput, AnotherWayOfNamingOldRowsMeansThatTheIdentityWasAltered) {
  World key(orders(Identity::Key)), full(orders(Identity::Full));
  ScriptedPart by_row, by_key;
  by_row.remove(orders_id, 'O', {text("1"), null(), null()});
  by_key.remove(orders_id, 'K', {text("1"), null(), null()});
  ASSERT_TRUE(key.decodes(by_row));
  ASSERT_TRUE(full.decodes(by_key));
  ASSERT_EQ(key.set.stopped.size(), 1U);
  ASSERT_EQ(full.set.stopped.size(), 1U);
  EXPECT_TRUE(key.set.stopped[0].shape_changed);
  EXPECT_TRUE(full.set.stopped[0].shape_changed);
}

TEST(Pgoutput, ANullInAKeyStopsTheTable) {
  World world;
  ScriptedPart part;
  part.remove(orders_id, 'K', {null(), null(), null()});
  ASSERT_TRUE(world.decodes(part));
  EXPECT_EQ(world.stop_reason(), "table public.orders: key column id is null");
  EXPECT_EQ(world.table().old[0].size(), 0U);
}

TEST(Pgoutput, AnotherNumberOfColumnsIsCorruptionAfterARelationAndAnAlterBeforeIt) {
  World known, unknown;
  ScriptedPart with, without;
  with.relation(orders()).insert(orders_id, {text("1"), null()});
  without.insert(orders_id, {text("1"), null()});
  EXPECT_NE(corruption_of(known.decode(with)), "");
  ASSERT_TRUE(unknown.decodes(without));
  ASSERT_EQ(unknown.set.stopped.size(), 1U);
  EXPECT_TRUE(unknown.set.stopped[0].shape_changed);
}

}  // namespace
}  // namespace freshet::decode
