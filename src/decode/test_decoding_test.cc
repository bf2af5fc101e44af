#include "decode/test_decoding.h"

#include <gtest/gtest.h>

#include <initializer_list>

#include "decode/decoder.h"
#include "decode/scripted_part.h"
#include "postgres/types.h"

namespace freshet::decode {
namespace {

namespace oid = postgres::oid;
using scripted::ScriptedPart;

constexpr TableId orders{1};
constexpr TableId whole{2};
constexpr TableId log{3};

ColumnSchema column(const char* name, std::uint32_t pg_type, bool in_key = false) {
  return {name, postgres::type_for(pg_type, -1), pg_type, -1, 0, in_key, false};
}

std::shared_ptr<const TableSchema> schema(TableId id, const char* name, Identity identity) {
  const bool keyed = identity == Identity::Key;
  return std::make_shared<TableSchema>(
      TableSchema{id,
                  "public",
                  name,
                  identity,
                  {column("id", oid::int4, keyed || identity == Identity::Full),
                   column("note", oid::text, identity == Identity::Full)}});
}

class TestDecoding : public testing::Test {
 protected:
  TestDecoding() {
    add(schema(orders, "orders", Identity::Key));
    add(schema(whole, "whole", Identity::Full));
    add(schema(log, "log", Identity::None));
  }
  void add(const std::shared_ptr<const TableSchema>& table) {
    set_.tables[table->id] = std::make_unique<TableChanges>(table);
  }
  // One transaction of these lines.
  Result<> lines(std::initializer_list<std::string> lines) {
    auto script = std::make_shared<ScriptedPart>(
        ScriptedPart::Options{.commit = Lsn{at_ * 100}, .end = Lsn{at_ * 100 + 10}});
    ++at_;
    script->begin();
    for (const std::string& line : lines) script->add(test_decoding_line + line);
    script->commit();
    set_.keep.push_back(script);
    while (auto altered = TRY(decoder_.decode(script->part(), set_))) {
      altered_.push_back(std::move(altered->difference));
      set_.tables.erase(altered->schema->id);
    }
    return {};
  }
  void follow(std::initializer_list<std::string> wanted) {
    const Result<> done = lines(wanted);
    ASSERT_TRUE(done.ok()) << done.error().message;
    for (const ChangeSet::Stopped& stopped : set_.stopped) ADD_FAILURE() << stopped.reason.message;
  }
  // Why the table stopped, which is for its shape.
  std::string stopped_by(const std::string& line) {
    EXPECT_TRUE(lines({line}).ok());
    if (altered_.size() == 1 && set_.stopped.empty()) return altered_.front();
    if (set_.stopped.size() != 1) return "not stopped";
    EXPECT_TRUE(set_.stopped.front().shape_changed);
    return set_.stopped.front().reason.message;
  }
  TableChanges& table(TableId id) { return *set_.tables.at(id); }

  ChangeSet set_;
  std::vector<std::string> altered_;
  Decoder decoder_;
  std::uint64_t at_ = 1;
};

TEST_F(TestDecoding, FollowsATableByItsKey) {
  follow({"table public.orders: INSERT: id[integer]:1 note[text]:'one'",
          "table public.orders: UPDATE: id[integer]:1 note[text]:unchanged-toast-datum",
          "table public.orders: UPDATE: old-key: id[integer]:1 new-tuple: id[integer]:2 "
          "note[text]:null",
          "table public.orders: DELETE: id[integer]:2"});
  const TableChanges& changes = table(orders);
  ASSERT_EQ(changes.changes.size(), 4U);
  EXPECT_EQ(changes.rows[1].text(0), "one");
  EXPECT_EQ(changes.rows[1].state(1), ValueState::Unchanged);
  EXPECT_EQ(changes.changes[1].old, Change::none);
  EXPECT_EQ(changes.old[0].get<std::int32_t>(changes.changes[2].old), 1);
  EXPECT_EQ(changes.rows[1].state(2), ValueState::Null);
  EXPECT_EQ(changes.changes[3].op, Op::Delete);
  EXPECT_EQ(set_.transactions, 1U);
  EXPECT_EQ(set_.applied.lsn, Lsn{110});
}

TEST_F(TestDecoding, FollowsWholeRowsWhoseNullsAreLeftOut) {
  follow(
      {"table public.whole: UPDATE: old-key: note[text]:'a' new-tuple: id[integer]:null "
       "note[text]:unchanged-toast-datum",
       "table public.whole: DELETE:"});
  const TableChanges& changes = table(whole);
  ASSERT_EQ(changes.changes.size(), 2U);
  EXPECT_EQ(changes.old[0].state(0), ValueState::Null);
  EXPECT_EQ(changes.rows[1].text(0), "a");
  EXPECT_EQ(changes.old[1].state(1), ValueState::Null);
}

TEST_F(TestDecoding, TakesOnlyInsertsOfATableWithoutIdentity) {
  follow({"table public.log: INSERT: id[integer]:1 note[text]:'a'",
          "table public.log: UPDATE: id[integer]:2 note[text]:'a'",
          "table public.log: DELETE: (no-tuple-data)"});
  EXPECT_EQ(table(log).changes.size(), 1U);
}

TEST_F(TestDecoding, EmptiesTheTablesOfATruncateAndLeavesOthersAlone) {
  follow({"table public.elsewhere: INSERT: x[point]:'(1,2)'",
          "table public.orders, public.elsewhere, public.log: TRUNCATE: cascade"});
  EXPECT_EQ(table(orders).changes.at(0).op, Op::Truncate);
  EXPECT_EQ(table(log).changes.at(0).op, Op::Truncate);
  EXPECT_TRUE(table(whole).changes.empty());
}

TEST_F(TestDecoding, SeesThatAColumnCameWentOrChanged) {
  EXPECT_NE(stopped_by("table public.orders: INSERT: id[integer]:1 note[text]:'a' x[date]:null")
                .find("column x was added"),
            std::string::npos);
}
TEST_F(TestDecoding, SeesThatAColumnWent) {
  EXPECT_NE(stopped_by("table public.orders: INSERT: id[integer]:1").find("note was dropped"),
            std::string::npos);
}
TEST_F(TestDecoding, SeesThatAColumnHasAnotherType) {
  EXPECT_NE(stopped_by("table public.orders: INSERT: id[bigint]:1 note[text]:'a'")
                .find("column id changed its type"),
            std::string::npos);
}
TEST_F(TestDecoding, SeesThatAnotherKeyNamesTheRows) {
  EXPECT_NE(stopped_by("table public.orders: DELETE: note[text]:'a'").find("replica identity"),
            std::string::npos);
}
TEST_F(TestDecoding, SeesThatWholeRowsAreNamed) {
  EXPECT_NE(stopped_by("table public.orders: UPDATE: old-key: id[integer]:1 note[text]:'a' "
                       "new-tuple: id[integer]:1 note[text]:'b'")
                .find("replica identity"),
            std::string::npos);
}
TEST_F(TestDecoding, SeesThatNothingNamesTheRows) {
  EXPECT_NE(stopped_by("table public.whole: DELETE: (no-tuple-data)").find("to nothing"),
            std::string::npos);
}

TEST_F(TestDecoding, GoesOnWhenTheTableWasCopiedAgain) {
  ASSERT_NE(stopped_by("table public.orders: INSERT: id[integer]:1 note[text]:'a' x[text]:'b'"),
            "");
  set_.clear();
  TableSchema wider = *schema(orders, "orders", Identity::Key);
  wider.columns.push_back(column("x", oid::text));
  add(std::make_shared<TableSchema>(wider));
  follow({"table public.orders: INSERT: id[integer]:2 note[text]:'a' x[text]:'b'"});
  EXPECT_EQ(table(orders).rows[2].text(0), "b");
}

TEST_F(TestDecoding, IsCorruptWhenALineIsMalformed) {
  const Result<> done = lines({"table public.orders: INSERT: id[integer]"});
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().fault, Fault::Corruption);
}

TEST_F(TestDecoding, KnowsItsOwnParts) {
  ScriptedPart pgoutput;
  pgoutput.begin().insert(orders, {scripted::text("1"), scripted::null()}).commit();
  EXPECT_FALSE(holds_lines(pgoutput.part()));
  ScriptedPart lines;
  lines.begin().add("#table a.b: DELETE:");
  EXPECT_TRUE(holds_lines(lines.part()));
  EXPECT_FALSE(holds_lines(ScriptedPart{}.part()));
}

// The rest of a part goes on in the new shape.
TEST_F(TestDecoding, NamesOldRowsByTheColumnsThatAreShownNow) {
  const auto narrow = std::make_shared<TableSchema>(
      TableSchema{whole, "public", "whole", Identity::Full, {column("id", oid::int4, true)}});
  auto script =
      std::make_shared<ScriptedPart>(ScriptedPart::Options{.commit = Lsn{900}, .end = Lsn{910}});
  script->begin();
  for (const char* line : {"#table public.whole: INSERT: id[integer]:1",
                           "#table public.whole: DELETE: id[integer]:2"}) {
    script->add(line);
  }
  script->commit();
  set_.keep.push_back(script);
  const auto altered = decoder_.decode(script->part(), set_);
  ASSERT_TRUE(altered.ok() && *altered) << altered.error().message;
  set_.tables[whole] = std::make_unique<TableChanges>(narrow);
  const auto rest = decoder_.decode(script->part(), set_);
  ASSERT_TRUE(rest.ok()) << rest.error().message;
  EXPECT_FALSE(*rest);
  EXPECT_TRUE(set_.stopped.empty()) << set_.stopped.front().reason.message;
  EXPECT_EQ(set_.change_count, 2U);
}

TEST_F(TestDecoding, TakesADomainUnderItsOwnName) {
  ColumnSchema amount = column("amount", oid::int4);
  amount.domain = 70001;
  add(std::make_shared<TableSchema>(TableSchema{
      TableId{4}, "public", "paid", Identity::Key, {column("id", oid::int4, true), amount}}));
  follow({"table public.paid: INSERT: id[integer]:1 amount[public.cents]:7"});
  EXPECT_TRUE(altered_.empty());
  EXPECT_EQ(set_.change_count, 1U);
}

TEST_F(TestDecoding, AValueThatDoesNotFitMayBeOfAnotherPrecision) {
  ColumnSchema price = column("price", oid::numeric);
  price.pg_typmod = ((6 << 16) | 2) + 4;
  price.type = postgres::type_for(oid::numeric, price.pg_typmod);
  add(std::make_shared<TableSchema>(TableSchema{
      TableId{4}, "public", "priced", Identity::Key, {column("id", oid::int4, true), price}}));
  ASSERT_TRUE(lines({"table public.priced: INSERT: id[integer]:1 price[numeric]:1.2345"}).ok());
  ASSERT_EQ(set_.stopped.size(), 1U);
  EXPECT_TRUE(set_.stopped[0].shape_changed);
  EXPECT_EQ(set_.stopped[0].reason.sqlstate, "22003");
}

}  // namespace
}  // namespace freshet::decode
