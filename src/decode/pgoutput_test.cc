#include "decode/pgoutput.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>

#include "decode/scripted_part.h"
#include "postgres/types.h"

namespace freshet::decode {
namespace {

using scripted::binary;
using scripted::null;
using scripted::number;
using scripted::ScriptedPart;
using scripted::text;
using scripted::unchanged;

namespace oid = postgres::oid;

ColumnSchema column(std::string name, std::uint32_t pg_type, bool in_key = false) {
  return {.name = std::move(name),
          .type = postgres::type_for(pg_type, -1),
          .pg_type = pg_type,
          .in_key = in_key};
}

// orders(id int8 primary key, note text, total int4)
TableSchema orders(Identity identity = Identity::Key) {
  const bool keyed = identity == Identity::Key;
  return {TableId{501},
          "public",
          "orders",
          identity,
          {column("id", oid::int8, keyed), column("note", oid::text), column("total", oid::int4)}};
}
constexpr TableId orders_id{501};
constexpr TableId other_id{502};

std::unique_ptr<TableChanges> entry(TableSchema schema, Lsn skip_before = {}) {
  auto changes = std::make_unique<TableChanges>(std::make_shared<TableSchema>(std::move(schema)));
  changes->skip_before = skip_before;
  return changes;
}

// A decoder, the set it fills, and one table in it.
struct World {
  explicit World(TableSchema schema = orders()) {
    const TableId id = schema.id;
    set.tables[id] = entry(std::move(schema));
  }
  TableChanges& table(TableId id = orders_id) { return *set.tables.at(id); }
  // Follows an altered table no further.
  Result<> decode(const ScriptedPart& script) { return decode(script.part()); }
  Result<> decode(const TransactionPart& part) {
    while (const auto found = TRY(decoder.decode(part, set))) {
      altered.push_back(found->difference);
      set.tables.erase(found->schema->id);
    }
    return {};
  }
  bool decodes(const ScriptedPart& part) {
    const Result<> result = decode(part);
    EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().message);
    return result.ok();
  }
  std::string stop_reason() { return set.stopped.empty() ? "" : set.stopped.back().reason.message; }

  PgoutputDecoder decoder;
  ChangeSet set;
  std::vector<std::string> altered;
};

std::string corruption_of(const Result<>& result) {
  if (result.ok()) return "";
  EXPECT_EQ(result.error().fault, Fault::Corruption);
  return result.error().message;
}

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
