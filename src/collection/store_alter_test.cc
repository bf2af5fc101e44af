// Tables that take another shape and keep their rows.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <set>

#include "collection/scratch_shapes.h"

namespace freshet::collection {
namespace {

using Lines = std::vector<std::string>;

ColumnSchema id_column(Type type = int64_type) {
  return shape_column(1, "id", type, true);
}
ColumnSchema note_column() {
  return shape_column(2, "note", text_type);
}
std::shared_ptr<const TableSchema> first_shape() {
  return shape({id_column(), note_column()});
}

// A store with rows (1, a) and (2, NULL).
struct TwoRows : ShapedStore {
  TwoRows() : ShapedStore(first_shape()) {
    apply(Shaped(first_shape()).insert({"1", "a"}).insert({"2", std::nullopt}));
  }
};

Alteration with_constant(std::shared_ptr<const TableSchema> schema, std::int16_t attnum,
                         const std::string& value) {
  Alteration to = alteration(std::move(schema));
  for (const ColumnSchema& column : to.schema->columns) {
    if (column.attnum != attnum) continue;
    static Arena arena;
    append_text(to.constants.emplace(attnum, column.type).first->second, value, arena);
  }
  return to;
}

TEST(Alter, AddsAColumnThatIsNullInOldRows) {
  TwoRows store;
  const auto wider = shape({id_column(), note_column(), shape_column(3, "more", int64_type)});
  store.alter(alteration(wider));
  EXPECT_EQ(store.lines(), (Lines{"1|a", "2|NULL"})) << "not before the commit";
  store.apply(Shaped(wider).insert({"3", "c", "7"}));
  EXPECT_EQ(store.lines(), (Lines{"1|a|NULL", "2|NULL|NULL", "3|c|7"}));
  store.apply(Shaped(wider).update({"1", "b", "8"}));
  EXPECT_EQ(store.lines(), (Lines{"1|b|8", "2|NULL|NULL", "3|c|7"}));
}

TEST(Alter, AddsAColumnWithAConstantForOldRows) {
  TwoRows store;
  const auto wider = shape({id_column(), note_column(), shape_column(3, "more", int64_type)});
  store.alter(with_constant(wider, 3, "42"));
  store.apply(Shaped(wider).insert({"3", "c", std::nullopt}));
  const Lines expected{"1|a|42", "2|NULL|42", "3|c|NULL"};
  EXPECT_EQ(store.lines(), expected);
  EXPECT_EQ(store.lines("SELECT id FROM store.public.t WHERE more = 42"), (Lines{"1", "2"}));
  store.reopen();
  EXPECT_EQ(store.lines(), expected);
  // The constant is what an update leaves as it was.
  store.apply(Shaped(wider).update({"1", "b", unchanged}).update({"3", "d", unchanged}));
  EXPECT_EQ(store.lines(), (Lines{"1|b|42", "2|NULL|42", "3|d|NULL"}));
}

TEST(Alter, DropsAndRenamesColumns) {
  TwoRows store;
  const auto renamed = shape({id_column(), shape_column(2, "remark", text_type)});
  store.alter(alteration(renamed));
  store.apply(Shaped(renamed).update({"2", "b"}));
  EXPECT_EQ(store.lines("SELECT remark FROM store.public.t"), (Lines{"a", "b"}));
  EXPECT_EQ(store.store->numbers().at(0).segments, 1U) << "a name is no reason for a new segment";
  const auto narrow = shape({id_column()});
  store.alter(alteration(narrow));
  store.apply(Shaped(narrow).insert({"3"}).erase({"1"}));
  EXPECT_EQ(store.lines(), (Lines{"2", "3"}));
}

TEST(Alter, KnowsAColumnThatWasDroppedAndAddedAgainFromTheOldOne) {
  TwoRows store;
  const auto again = shape({id_column(), shape_column(3, "note", text_type)});
  store.alter(with_constant(again, 3, "new"));
  store.commit();
  EXPECT_EQ(store.lines(), (Lines{"1|new", "2|new"}));
  const auto third = shape({id_column(), shape_column(4, "note", text_type)});
  store.alter(alteration(third));
  store.commit();
  EXPECT_EQ(store.lines(), (Lines{"1|NULL", "2|NULL"}));
}

TEST(Alter, WidensTypes) {
  const Type small{.kind = TypeKind::Decimal, .precision = 9, .scale = 2};
  const Type large{.kind = TypeKind::Decimal, .precision = 18, .scale = 2};
  const auto from =
      shape({id_column(int32_type), shape_column(2, "a", small), shape_column(3, "b", small)});
  ShapedStore store(from);
  store.apply(Shaped(from).insert({"1", "150", "-5"}).insert({"2", std::nullopt, "100"}));
  const auto to =
      shape({id_column(), shape_column(2, "a", large), shape_column(3, "b", numeric_type)});
  store.alter(alteration(to));
  store.apply(
      Shaped(to).insert({"3000000000", "1000000000000", "1.500"}).update({"2", unchanged, "7"}));
  EXPECT_EQ(store.lines(), (Lines{"1|1.50|-0.05", "2|NULL|7", "3000000000|10000000000.00|1.5"}));
  store.reopen();
  store.apply(Shaped(to).update({"1", unchanged, unchanged}).erase({"3000000000"}));
  EXPECT_EQ(store.lines(), (Lines{"1|1.50|-0.05", "2|NULL|7"}));
}

TEST(Alter, FindsRowsWhoseKeyWasWidened) {
  const auto key = [](Type type) {
    return shape({shape_column(1, "a", type, true), shape_column(2, "b", text_type, true),
                  shape_column(3, "v", int64_type)});
  };
  ShapedStore store(key(int32_type));
  store.apply(Shaped(key(int32_type)).insert({"1", "x", "1"}).insert({"2", "y", "2"}));
  // In the middle of a transaction, so that one of the rows is not committed yet.
  Shaped begin(key(int32_type));
  store.apply(begin.insert({"3", "z", "3"}), true);
  store.alter(alteration(key(int64_type)));
  store.apply(
      Shaped(key(int64_type)).update({"1", "x", "10"}).update({"3", "z", "30"}).erase({"2", "y"}));
  EXPECT_EQ(store.lines(), (Lines{"1|x|10", "3|z|30"}));
}

TEST(Alter, CountsEqualRowsOfAnotherShape) {
  const auto whole = [](std::vector<ColumnSchema> columns) {
    for (ColumnSchema& column : columns) column.in_key = true;
    return shape(std::move(columns), Identity::Full);
  };
  const auto from = whole({id_column(), note_column()});
  ShapedStore store(from);
  store.apply(Shaped(from).insert({"1", "a"}).insert({"1", "a"}).insert({"1", "b"}));
  const auto to = whole({id_column(), note_column(), shape_column(3, "more", int64_type)});
  store.alter(with_constant(to, 3, "5"));
  store.apply(Shaped(to).erase({"1", "a", "5"}).update({"1", "b", "5"}, {"1", "b", "6"}));
  EXPECT_EQ(store.lines(), (Lines{"1|a|5", "1|b|6"}));
}

TEST(Alter, TakesAnotherKeyAndNone) {
  ShapedStore store(first_shape());
  store.apply(Shaped(first_shape()).insert({"1", "a"}).insert({"2", "b"}));
  ColumnSchema id = id_column();
  ColumnSchema note = note_column();
  id.in_key = false;
  note.in_key = true;
  const auto by_note = shape({id, note});
  store.alter(alteration(by_note));
  store.apply(Shaped(by_note).update({"7", "a"}).erase({"b"}));
  EXPECT_EQ(store.lines(), (Lines{"7|a"}));
  note.in_key = false;
  const auto nothing = shape({id, note}, Identity::None);
  store.alter(alteration(nothing));
  store.apply(Shaped(nothing).insert({"7", "a"}));
  EXPECT_EQ(store.lines(), (Lines{"7|a", "7|a"}));
  EXPECT_TRUE(store.store->tables().at(0).inserts_only);
}

TEST(Alter, HappensInTheMiddleOfATransaction) {
  TwoRows store;
  const auto wider = shape({id_column(), note_column(), shape_column(3, "more", int64_type)});
  const auto half = [&] {
    store.apply(Shaped(first_shape()).insert({"3", "c"}).update({"1", "b"}), true);
    store.alter(with_constant(wider, 3, "9"));
    store.apply(Shaped(wider).insert({"4", "d", "4"}).update({"3", unchanged, "3"}), true);
    EXPECT_EQ(store.lines(), (Lines{"1|a", "2|NULL"}));
  };
  half();
  store.reopen();
  EXPECT_EQ(store.lines(), (Lines{"1|a", "2|NULL"})) << "it was not completed";
  half();
  store.apply(Shaped(wider).erase({"2"}));
  const Lines expected{"1|b|9", "3|c|3", "4|d|4"};
  EXPECT_EQ(store.lines(), expected);
  store.reopen();
  EXPECT_EQ(store.lines(), expected);
  store.apply(Shaped(wider).update({"1", unchanged, "1"}).update({"4", "e", unchanged}));
  EXPECT_EQ(store.lines(), (Lines{"1|b|1", "3|c|3", "4|e|4"}));
}

TEST(Alter, IsTakenBackWithATableThatFails) {
  TwoRows store;
  const auto wider = shape({id_column(), note_column(), shape_column(3, "more", int64_type)});
  store.apply(Shaped(first_shape()).insert({"3", "c"}), true);
  store.alter(with_constant(wider, 3, "9"));
  Shaped bad(wider);
  bad.update({"77", unchanged, "1"});  // of a row that is not here
  EXPECT_EQ(store.apply(bad).size(), 1U);
  EXPECT_EQ(store.lines(), (Lines{"1|a", "2|NULL"}));
  const TableRecord record = store.store->tables().at(0);
  EXPECT_EQ(record.state, TableState::Failed);
  EXPECT_EQ(record.schema->columns.size(), 2U);
  store.reopen();
  EXPECT_EQ(store.lines(), (Lines{"1|a", "2|NULL"}));
}

TEST(Alter, RenamesTablesAlsoToEachOthersNames) {
  const auto named = [](std::uint32_t id, const std::string& name, const std::string& schema) {
    return shape({id_column()}, Identity::Key, id, name, schema);
  };
  ScratchStore base({named(1, "a", "public"), named(2, "b", "public")});
  const auto ids = [&](const std::string& table) {
    const auto reader = must(base.store->reader());
    must(reader->begin());
    return must(reader->connection().query("SELECT id FROM store." + table)).at(0).at(0);
  };
  Batch rows(base.schemas);
  rows.table(1).rows[0].append(std::int64_t{1});
  rows.table(1).changes.push_back({Op::Insert, 0});
  rows.table(2).rows[0].append(std::int64_t{2});
  rows.table(2).changes.push_back({Op::Insert, 0});
  base.apply(rows);
  const auto complete = [&] {
    ChangeSet nothing;
    nothing.applied.lsn.value = ++base.lsn;
    must(base.writer->apply(nothing, false));
  };
  EXPECT_TRUE(must(base.writer->alter(alteration(named(1, "c", "public")), false)).empty());
  EXPECT_TRUE(must(base.writer->alter(alteration(named(2, "a", "public")), false)).empty());
  EXPECT_TRUE(must(base.writer->alter(alteration(named(1, "b", "public")), false)).empty());
  complete();
  EXPECT_EQ(ids("public.a"), "2");
  EXPECT_EQ(ids("public.b"), "1");
  EXPECT_TRUE(must(base.writer->alter(alteration(named(1, "b", "elsewhere")), false)).empty());
  complete();
  EXPECT_EQ(ids("elsewhere.b"), "1");
  base.reopen();
  EXPECT_EQ(ids("public.a"), "2");
  EXPECT_EQ(ids("elsewhere.b"), "1");
  // Inside a transaction, into a schema that is not there yet.
  Batch more({named(1, "b", "elsewhere"), named(2, "a", "public")});
  more.table(2).rows[0].append(std::int64_t{3});
  more.table(2).changes.push_back({Op::Insert, 0});
  base.apply(more, true);
  EXPECT_TRUE(must(base.writer->alter(alteration(named(2, "a", "third")), false)).empty());
  complete();
  EXPECT_EQ(ids("third.a WHERE id = 3"), "3");
}

TEST(Alter, FailsATableWhoseNewNameIsTaken) {
  const auto named = [](std::uint32_t id, const std::string& name) {
    return shape({id_column()}, Identity::Key, id, name);
  };
  ScratchStore base({named(1, "a"), named(2, "b")});
  const auto stopped = must(base.writer->alter(alteration(named(1, "b")), false));
  ASSERT_EQ(stopped.size(), 1U);
  EXPECT_EQ(stopped[0].reason.sqlstate, "42P07");
  ChangeSet nothing;
  must(base.writer->apply(nothing, false));
  EXPECT_EQ(base.store->tables().at(0).state, TableState::Failed);
  EXPECT_EQ(base.store->tables().at(1).state, TableState::Live);
}

TEST(Alter, GoesThroughRewritesOfOldSegments) {
  ShapedStore store(first_shape());
  std::vector<ColumnSchema> columns{id_column(), note_column()};
  std::set<std::string> expected;
  // A segment for every shape, until they are merged.
  for (std::int16_t attnum = 3; attnum < 20; ++attnum) {
    const std::string name = "c" + std::to_string(attnum);
    columns.push_back(shape_column(attnum, name, int64_type));
    const auto schema = shape(columns);
    store.alter(with_constant(schema, attnum, std::to_string(attnum)));
    Values row(columns.size());
    row[0] = std::to_string(attnum);
    store.apply(Shaped(schema).insert(row));
    while (must(store.writer->tidy())) {
    }
  }
  EXPECT_LE(store.store->numbers().at(0).segments, 8U);
  for (std::int16_t id = 3; id < 20; ++id) {
    std::string line = std::to_string(id) + "|NULL";
    for (std::int16_t attnum = 3; attnum < 20; ++attnum) {
      line += attnum <= id ? "|NULL" : "|" + std::to_string(attnum);
    }
    expected.insert(line);
  }
  EXPECT_EQ(store.lines(), Lines(expected.begin(), expected.end()));
  store.reopen();
  EXPECT_EQ(store.lines(), Lines(expected.begin(), expected.end()));
}

TEST(Alter, HappensWhileSegmentsAreRewrittenInTheBackground) {
  ShapedStore store(first_shape());
  constexpr int rows = 250'000;  // more live rows than are rewritten at once
  for (int round = 0; round < 2; ++round) {
    Shaped all(first_shape());
    for (int i = 0; i < rows; ++i) {
      const Values row{std::to_string(i), std::to_string(round)};
      round == 0 ? all.insert(row) : all.update(row);
    }
    store.apply(all);
  }
  Shaped some(first_shape());
  for (int i = 0; i < rows; i += 100) some.update({std::to_string(i), "2"});
  store.apply(some);
  must(store.writer->tidy());  // begins
  const auto again = shape({id_column(), shape_column(3, "note", text_type)});
  store.alter(with_constant(again, 3, "new"));
  Shaped last(again);
  for (int i = 0; i < rows; i += 1'000) last.update({std::to_string(i), "last"});
  store.apply(last);
  for (int i = 0; store.store->numbers().at(0).dead_rows > rows / 2; ++i) {
    must(store.writer->tidy());
    store.commit();
    ASSERT_LT(i, 5'000'000);
  }
  const std::string counts =
      "SELECT count(*), count(*) FILTER (note = 'new'), count(*) FILTER (note = 'last'), "
      "count(DISTINCT id) FROM store.public.t";
  const Lines expected{fmt::format("{}|{}|{}|{}", rows, rows - rows / 1'000, rows / 1'000, rows)};
  EXPECT_EQ(store.lines(counts), expected);
  store.reopen();
  EXPECT_EQ(store.lines(counts), expected);
}

}  // namespace
}  // namespace freshet::collection
