#include "collection/store.h"

#include <gtest/gtest.h>

#include "collection/scratch_store.h"

namespace freshet::collection {
namespace {

using namespace std::chrono_literals;
using Rows = std::vector<Row>;

TEST(Store, ShowsInsertedRows) {
  ScratchStore store({simple_schema(1, "t")});
  Batch batch = store.batch();
  batch.insert(1, {1, 10, "a"}).insert(1, {2, 20, std::nullopt});
  store.apply(batch);
  EXPECT_EQ(store.rows("t"), Rows({{1, 10, "a"}, {2, 20, std::nullopt}}));
}

TEST(Store, UpdatesByKeyAndMovesKeys) {
  ScratchStore store({simple_schema(1, "t")});
  Batch batch = store.batch();
  batch.insert(1, {1, 10, "a"}).insert(1, {2, 20, "b"}).insert(1, {3, 30, "c"});
  store.apply(batch);
  Batch next = store.batch();
  next.update(1, {1, 11, "A"}).update(1, {2}, {7, 21, "B"}).erase(1, {3});
  store.apply(next);
  EXPECT_EQ(store.rows("t"), Rows({{1, 11, "A"}, {7, 21, "B"}}));
}

TEST(Store, KeepsOnlyTheLastOfManyChangesOfARowInABatch) {
  ScratchStore store({simple_schema(1, "t")});
  Batch batch = store.batch();
  for (int i = 0; i < 100; ++i) {
    batch.insert(1, {i, 0, "x"});
    for (int k = 1; k < 5; ++k) batch.update(1, {i, k, "y"});
    if (i % 2 == 0) batch.erase(1, {i});
  }
  store.apply(batch);
  Rows expected;
  for (int i = 1; i < 100; i += 2) expected.push_back({i, 4, "y"});
  EXPECT_EQ(store.rows("t"), expected);
  EXPECT_EQ(store.store->numbers().at(0).dead_rows, 0U) << "superseded rows are never stored";
  // The index knows where the survivors went.
  Batch next = store.batch();
  for (int i = 1; i < 100; i += 2) next.update(1, {i, 9, "z"});
  store.apply(next);
  for (Row& row : expected) row = {row.id, 9, "z"};
  EXPECT_EQ(store.rows("t"), expected);
}

TEST(Store, TreatsAnInsertOfAKnownKeyAsAnUpdate) {
  ScratchStore store({simple_schema(1, "t")});
  Batch batch = store.batch();
  batch.insert(1, {1, 10, "a"});
  store.apply(batch);
  Batch again = store.batch();
  again.insert(1, {1, 11, "b"}).erase(1, {99}).update(1, {5, 50, "new"});
  EXPECT_TRUE(store.apply(again).empty());
  EXPECT_EQ(store.rows("t"), Rows({{1, 11, "b"}, {5, 50, "new"}}));
}

TEST(Store, TruncatesInTheMiddleOfABatch) {
  ScratchStore store({simple_schema(1, "t"), simple_schema(2, "other")});
  Batch batch = store.batch();
  batch.insert(1, {1, 1, "old"}).insert(2, {1, 1, "stays"});
  store.apply(batch);
  Batch next = store.batch();
  next.insert(1, {2, 2, "gone"}).update(1, {1, 5, "gone"}).truncate(1).insert(1, {1, 3, "new"});
  next.update(1, {1, 4, "newer"});
  store.apply(next);
  EXPECT_EQ(store.rows("t"), Rows({{1, 4, "newer"}}));
  EXPECT_EQ(store.rows("other"), Rows({{1, 1, "stays"}}));
  Batch last = store.batch();
  last.truncate(1);
  store.apply(last);
  EXPECT_TRUE(store.rows("t").empty());
}

TEST(Store, FillsUnchangedValuesFromTheStoreAndFromTheBatch) {
  ScratchStore store({simple_schema(1, "t")});
  Batch batch = store.batch();
  for (int i = 0; i < 5'000; ++i) batch.insert(1, {i, 0, "note " + std::to_string(i)});
  store.apply(batch);
  const auto unchanged = [](std::int64_t id, std::int64_t value) {
    return Row{.id = id, .value = value, .note = {}, .note_unchanged = true};
  };
  Batch next = store.batch();
  for (int i = 0; i < 5'000; i += 7) next.update(1, unchanged(i, 1));
  next.update(1, unchanged(7, 2)).update(1, unchanged(7, 3));          // through the batch
  next.insert(1, {9'000, 0, "fresh"}).update(1, unchanged(9'000, 4));  // never stored before
  next.update(1, {14}, unchanged(9'014, 5));                           // with a new key
  store.apply(next);
  Rows expected;
  for (int i = 0; i < 5'000; ++i) {
    if (i != 14) expected.push_back({i, i == 7 ? 3 : i % 7 == 0, "note " + std::to_string(i)});
  }
  expected.push_back({9'000, 4, "fresh"});
  expected.push_back({9'014, 5, "note 14"});
  EXPECT_EQ(store.rows("t"), expected);
}

TEST(Store, FillsUnchangedValuesFromEarlierPartsOfATransaction) {
  ScratchStore store({simple_schema(1, "t")});
  Batch before = store.batch();
  before.insert(1, {1, 0, "kept"});
  store.apply(before);
  Batch first = store.batch();
  for (int i = 2; i < 5'000; ++i) first.insert(1, {i, 0, "part one " + std::to_string(i)});
  store.apply(first, true);
  Batch second = store.batch();
  second.update(1, {.id = 4'000, .value = 7, .note = {}, .note_unchanged = true});
  second.update(1, {.id = 1, .value = 8, .note = {}, .note_unchanged = true});
  EXPECT_EQ(store.rows("t").size(), 1U) << "half a transaction is not visible";
  store.apply(second);
  const Rows rows = store.rows("t");
  EXPECT_EQ(rows.size(), 4'999U);
  EXPECT_EQ(rows[0], Row({1, 8, "kept"}));
  EXPECT_EQ(rows[3'999], Row({4'000, 7, "part one 4000"}));
}

TEST(Store, StopsATableWhoseUnchangedValueCannotBeKnown) {
  ScratchStore store({simple_schema(1, "t"), simple_schema(2, "other")});
  Batch batch = store.batch();
  batch.insert(1, {1, 1, "a"});
  store.apply(batch);
  Batch next = store.batch();
  next.update(1, {1, 2, "b"});
  next.update(1, {.id = 5, .value = 1, .note = {}, .note_unchanged = true});
  next.insert(2, {1, 1, "goes on"});
  const auto stopped = store.apply(next);
  ASSERT_EQ(stopped.size(), 1U);
  EXPECT_EQ(stopped[0].table, TableId{1});
  EXPECT_EQ(store.rows("t"), Rows({{1, 1, "a"}})) << "as it was before the failure";
  EXPECT_EQ(store.rows("other"), Rows({{1, 1, "goes on"}}));
  EXPECT_EQ(store.store->tables().at(0).state, TableState::Failed);
  EXPECT_FALSE(store.store->tables().at(0).last_error.empty());
}

TEST(Store, TakesBackEarlierPartsOfATableThatStops) {
  ScratchStore store({simple_schema(1, "t"), simple_schema(2, "other")});
  Batch batch = store.batch();
  batch.insert(1, {1, 1, "a"}).insert(1, {2, 2, "b"});
  store.apply(batch);
  for (const bool truncates : {false, true}) {
    Batch first = store.batch();
    if (truncates) first.truncate(1);
    first.insert(1, {3, 3, "half"}).update(1, {1, 9, "half"}).insert(2, {truncates, 1, "whole"});
    store.apply(first, true);
    Batch second = store.batch();
    second.update(1, {.id = 77, .value = 1, .note = {}, .note_unchanged = true});
    EXPECT_EQ(store.apply(second, true).size(), 1U);
    Batch third = store.batch();
    third.insert(1, {4, 4, "skipped"});
    store.apply(third);
    EXPECT_EQ(store.rows("t"), Rows({{1, 1, "a"}, {2, 2, "b"}}));
    store.reopen();
    EXPECT_EQ(store.rows("t"), Rows({{1, 1, "a"}, {2, 2, "b"}}));
    TableRecord record = live_record(store.source, store.schemas[0]);
    must(store.writer->put_tables({&record, 1}));
  }
  EXPECT_EQ(store.rows("other").size(), 2U);
  Batch last = store.batch();
  last.update(1, {1, 5, "mended"});
  store.apply(last);
  EXPECT_EQ(store.rows("t"), Rows({{1, 5, "mended"}, {2, 2, "b"}}));
}

TEST(Store, CountsEqualRowsOfATableWithoutAKey) {
  ScratchStore store({simple_schema(1, "t", Identity::Full)});
  Batch batch = store.batch();
  for (int i = 0; i < 3; ++i) batch.insert(1, {1, 1, "same"});
  batch.insert(1, {1, 1, std::nullopt});
  store.apply(batch);
  Batch next = store.batch();
  next.erase(1, {1, 1, "same"}).update(1, {1, 1, std::nullopt}, {1, 2, std::nullopt});
  next.insert(1, {5, 5, "short"}).erase(1, {5, 5, "short"});
  store.apply(next);
  EXPECT_EQ(store.rows("t"), Rows({{1, 1, "same"}, {1, 1, "same"}, {1, 2, std::nullopt}}));
  store.reopen();
  Batch last = store.batch();
  last.erase(1, {1, 1, "same"}).erase(1, {1, 1, "same"}).erase(1, {1, 1, "same"});
  store.apply(last);
  EXPECT_EQ(store.rows("t"), Rows({{1, 2, std::nullopt}}));
}

TEST(Store, TakesInsertsOnlyForATableWithoutIdentity) {
  ScratchStore store({simple_schema(1, "t", Identity::None)});
  Batch batch = store.batch();
  batch.insert(1, {1, 1, "a"}).insert(1, {1, 1, "a"});
  EXPECT_TRUE(store.apply(batch).empty());
  EXPECT_EQ(store.rows("t").size(), 2U);
  Batch next = store.batch();
  next.truncate(1).insert(1, {2, 2, "b"});
  EXPECT_TRUE(store.apply(next).empty());
  EXPECT_EQ(store.rows("t"), Rows({{2, 2, "b"}}));
  Batch last = store.batch();
  last.update(1, {2, 3, "c"});
  EXPECT_EQ(store.apply(last).size(), 1U);
  EXPECT_EQ(store.rows("t"), Rows({{2, 2, "b"}}));
}

TEST(Store, FindsRowsByTextAndCompositeKeys) {
  const auto schema = make_schema(1, "t",
                                  {{.name = "a", .type = text_type, .in_key = true},
                                   {.name = "b", .type = int64_type, .in_key = true},
                                   {.name = "v", .type = int64_type}});
  ScratchStore store({schema});
  const auto add = [](TableChanges& table, Op op, std::string_view a, std::int64_t b,
                      std::int64_t v) {
    if (op == Op::Delete) {
      table.old[0].append_string(a);
      table.old[1].append(b);
      table.changes.push_back(
          {.op = op, .old = static_cast<std::uint32_t>(table.old[0].size() - 1)});
      return;
    }
    table.rows[0].append_string(a);
    table.rows[1].append(b);
    table.rows[2].append(v);
    table.changes.push_back(
        {.op = op, .row = static_cast<std::uint32_t>(table.rows[0].size() - 1)});
  };
  Batch batch = store.batch();
  for (const char* a : {"x", "y", "a rather longer key than fits a string in place"}) {
    for (std::int64_t b = 0; b < 3; ++b) add(batch.table(1), Op::Insert, a, b, 0);
  }
  add(batch.table(1), Op::Update, "y", 1, 5);
  add(batch.table(1), Op::Delete, "x", 2, 0);
  store.apply(batch);
  store.reopen();
  Batch next = store.batch();
  add(next.table(1), Op::Update, "a rather longer key than fits a string in place", 2, 6);
  add(next.table(1), Op::Delete, "x", 1, 0);
  store.apply(next);
  const auto reader = must(store.store->reader());
  must(reader->begin());
  const auto rows = must(reader->connection().query(
      "SELECT string_agg(a[1] || b || v, ' ' ORDER BY a, b) FROM store.public.t"));
  EXPECT_EQ(rows.at(0).at(0), "a00 a10 a26 x00 y00 y15 y20");
}

TEST(Store, KeepsListsAndNullsInThem) {
  const Type list{.kind = TypeKind::List, .element = TypeKind::Text};
  const auto schema = make_schema(
      1, "t", {{.name = "id", .type = int64_type, .in_key = true}, {.name = "tags", .type = list}});
  ScratchStore store({schema});
  const auto add = [](Batch& batch, Op op, std::int64_t id, int elements) {
    TableChanges& table = batch.table(1);
    table.rows[0].append(id);
    if (elements < 0) {
      table.rows[1].append_unchanged();
    } else {
      const ListRef made{table.rows[1].child().size(), static_cast<std::uint64_t>(elements)};
      for (int i = 0; i < elements; ++i) {
        if (i == 1)
          table.rows[1].child().append_null();
        else
          table.rows[1].child().append_string("element");
      }
      table.rows[1].append(made);
    }
    table.changes.push_back(
        {.op = op, .row = static_cast<std::uint32_t>(table.rows[0].size() - 1)});
  };
  Batch batch = store.batch();
  for (int i = 0; i < 3; ++i) add(batch, Op::Insert, i, i);
  store.apply(batch);
  Batch next = store.batch();
  add(next, Op::Update, 2, -1);
  add(next, Op::Update, 2, -1);
  add(next, Op::Insert, 3, 1);
  add(next, Op::Update, 3, -1);
  store.apply(next);
  const auto reader = must(store.store->reader());
  must(reader->begin());
  const auto rows = must(reader->connection().query(
      "SELECT string_agg(id || tags::VARCHAR, ' ' ORDER BY id) FROM store.public.t"));
  EXPECT_EQ(rows.at(0).at(0), "0[] 1[element] 2[element, NULL] 3[element]");
}

TEST(Store, RemembersEverythingWhenOpenedAgain) {
  ScratchStore store({simple_schema(1, "t"), simple_schema(2, "u", Identity::Full)});
  for (int round = 0; round < 5; ++round) {
    Batch batch = store.batch();
    for (int i = 0; i < 1'000; ++i) batch.insert(1, {i, round, "t"}).insert(2, {i, round, "u"});
    store.apply(batch);
  }
  SourceRecord record = store.store->sources().at(0);
  record.system_id = "7300000000000000001";
  record.slot_created = true;
  record.choices = {"!public.\"It's\"", "app.*"};
  must(store.store->update_source(record));
  const auto t = store.rows("t");
  const auto u = store.rows("u");
  store.reopen();
  EXPECT_EQ(store.rows("t"), t);
  EXPECT_EQ(store.rows("u"), u);
  const SourceRecord source = store.store->sources().at(0);
  EXPECT_EQ(source.name, "shop");
  EXPECT_EQ(source.system_id, "7300000000000000001");
  EXPECT_TRUE(source.slot_created);
  EXPECT_EQ(source.choices, record.choices);
  EXPECT_EQ(source.applied.lsn, Lsn{5});
  EXPECT_EQ(source.applied.offset, Offset{50});
  EXPECT_EQ(store.store->visible(store.source).lsn, Lsn{5});
  EXPECT_EQ(*store.store->tables().at(0).schema, *store.schemas[0]);
  EXPECT_EQ(store.store->numbers().at(0).live_rows, 1'000U);
  EXPECT_EQ(store.store->numbers().at(0).dead_rows, 4'000U);
}

TEST(Store, ForgetsWhatWasNotCompleted) {
  ScratchStore store({simple_schema(1, "t")});
  Batch batch = store.batch();
  batch.insert(1, {1, 1, "a"});
  store.apply(batch);
  Batch part = store.batch();
  part.update(1, {1, 2, "half"}).insert(1, {2, 2, "half"});
  store.apply(part, true);
  store.reopen();
  EXPECT_EQ(store.rows("t"), Rows({{1, 1, "a"}}));
  EXPECT_EQ(store.store->visible(store.source).lsn, Lsn{1});
}

TEST(Store, CanBeWaitedFor) {
  ScratchStore store({simple_schema(1, "t")});
  EXPECT_FALSE(store.store->wait_visible(store.source, Lsn{5}, 10ms, {}));
  store.writer->advance(Lsn{5});
  EXPECT_TRUE(store.store->wait_visible(store.source, Lsn{5}, 10ms, {}));
  EXPECT_EQ(store.store->sources().at(0).applied.lsn, Lsn{0}) << "not stored";
}

TEST(Store, HasOneWriterPerSource) {
  ScratchStore store;
  EXPECT_FALSE(store.store->writer(store.source).ok());
  store.writer.reset();
  EXPECT_TRUE(store.store->writer(store.source).ok());
  EXPECT_FALSE(store.store->writer(SourceId{99}).ok());
}

TEST(Store, RefusesNamesThatItCannotShow) {
  const auto column = ColumnSpec{.name = "id", .type = int64_type, .in_key = true};
  ScratchStore store({
      make_schema(1, "t", {column}, Identity::Key, "Freshet"),
      make_schema(2, "t", {column, {.name = "ID", .type = int64_type}}),
      make_schema(3, "t", {}, Identity::None),
      make_schema(4, "fine", {column}),
      make_schema(5, "FINE", {column}),
  });
  const auto tables = store.store->tables();
  for (const std::size_t i : {0U, 1U, 2U, 4U}) {
    EXPECT_EQ(tables.at(i).state, TableState::Failed) << i;
    EXPECT_FALSE(tables.at(i).last_error.empty());
  }
  EXPECT_EQ(tables.at(3).state, TableState::Live);
}

TEST(Store, RefusesASecondTableOfOneNameFromAnotherSource) {
  ScratchStore store({simple_schema(1, "t")});
  const SourceId other = must(store.store->add_source("other", "freshet_other")).id;
  const auto writer = must(store.store->writer(other));
  const TableRecord record = live_record(other, simple_schema(1, "t"));
  must(writer->put_tables({&record, 1}));
  EXPECT_EQ(store.store->tables().at(0).state, TableState::Live);
  EXPECT_EQ(store.store->tables().at(1).state, TableState::Failed);
}

TEST(Store, ShowsColumnsOfAnyName) {
  ScratchStore store({make_schema(1, "Odd \"table\"",
                                  {{.name = "rowid", .type = int64_type, .in_key = true},
                                   {.name = "select", .type = int64_type}})});
  for (const std::int64_t value : {1, 2}) {
    Batch batch = store.batch();
    batch.table(1).rows[0].append(std::int64_t{-4});
    batch.table(1).rows[1].append(value);
    batch.table(1).changes.push_back({.op = Op::Insert, .row = 0});
    store.apply(batch);
  }
  const auto reader = must(store.store->reader());
  must(reader->begin());
  const auto rows = must(reader->connection().query(
      "SELECT rowid, \"select\" FROM store.public.\"Odd \"\"table\"\"\""));
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0][0], "-4");
  EXPECT_EQ(rows[0][1], "2");
}

TEST(Store, RemovesTables) {
  ScratchStore store({simple_schema(1, "t"), simple_schema(2, "u")});
  Batch batch = store.batch();
  batch.insert(1, {1, 1, "a"}).insert(2, {1, 1, "a"});
  store.apply(batch);
  const TableId removed{1};
  must(store.writer->remove_tables({&removed, 1}));
  must(store.writer->tidy());
  store.reopen();
  EXPECT_EQ(store.store->tables().size(), 1U);
  const auto reader = must(store.store->reader());
  must(reader->begin());
  EXPECT_FALSE(reader->connection().query("SELECT * FROM store.public.t").ok());
}

TEST(Store, DropsASourceAndKeepsTheOthers) {
  ScratchStore store({simple_schema(1, "t")});
  const SourceId other = must(store.store->add_source("other", "freshet_other")).id;
  {
    const auto writer = must(store.store->writer(other));
    const TableRecord record = live_record(other, simple_schema(1, "u"));
    must(writer->put_tables({&record, 1}));
  }
  EXPECT_FALSE(store.store->drop_source(store.source).ok()) << "it has a writer";
  must(store.store->drop_source(other));
  EXPECT_EQ(store.store->sources().size(), 1U);
  store.reopen();
  EXPECT_EQ(store.store->tables().size(), 1U);
  EXPECT_EQ(must(store.store->add_source("other", "freshet_other")).name, "other");
}

}  // namespace
}  // namespace freshet::collection
