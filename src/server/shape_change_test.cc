#include "server/shape_change.h"

#include <gtest/gtest.h>

#include "postgres/types.h"

namespace freshet::server {
namespace {

namespace oid = postgres::oid;
using collection::Alteration;

// A table: by number, what each column is called and of which type; 0: it was dropped.
struct Column {
  std::int16_t attnum;
  std::string name;
  std::uint32_t type = oid::int4;
  std::int32_t typmod = -1;
  std::optional<std::string> constant{};
};
using Columns = std::vector<Column>;

KnownShape known(const Columns& columns, int numbers, const std::string& files = "1") {
  auto schema = std::make_shared<TableSchema>();
  schema->name = "t";
  for (const Column& column : columns) {
    schema->columns.push_back({.name = column.name,
                               .type = postgres::type_for(column.type, column.typmod),
                               .pg_type = column.type,
                               .pg_typmod = column.typmod,
                               .attnum = column.attnum,
                               .in_key = column.attnum == 1});
  }
  return {std::move(schema), postgres::CatalogState{numbers, files, "v", "-"}.to_text()};
}

decode::Relation sent(const Columns& columns) {
  decode::Relation relation;
  for (const Column& column : columns) {
    relation.columns.push_back({column.name, column.type, column.typmod, column.attnum == 1});
  }
  return relation;
}

postgres::CatalogShape catalog(const Columns& columns, const std::string& files = "1") {
  postgres::CatalogShape shape;
  shape.state = {columns.back().attnum, files, "w", "-"};
  for (const Column& column : columns) {
    shape.columns.push_back({.attnum = column.attnum,
                             .name = column.name,
                             .pg_type = column.type,
                             .pg_typmod = column.typmod,
                             .dropped = column.type == 0,
                             .sent = true,
                             .has_constant = column.constant.has_value(),
                             .constant = column.constant});
  }
  return shape;
}

// The numbers of the columns of the new shape, or why there is none.
std::string outcome(const KnownShape& before, const decode::Relation& relation,
                    const postgres::CatalogShape& now) {
  Arena arena;
  const ShapeChange change = shape_change(before, relation, now, Catalog::Ahead, arena);
  if (const auto* again = std::get_if<CopyAgain>(&change)) return again->reason;
  std::string numbers;
  const auto& alteration = std::get<Alteration>(change);
  for (const ColumnSchema& column : alteration.schema->columns) {
    numbers += std::to_string(column.attnum) + ":" + column.name + " ";
    const auto constant = alteration.constants.find(column.attnum);
    if (constant != alteration.constants.end()) {
      numbers += "= " + std::to_string(constant->second.get<std::int32_t>(0)) + " ";
    }
  }
  return numbers;
}

TEST(ShapeChange, TellsAddedDroppedAndRenamedColumns) {
  const auto before = known({{1, "id"}, {2, "a"}, {3, "b"}}, 3);
  EXPECT_EQ(outcome(before, sent({{1, "id"}, {2, "a"}, {3, "b"}, {4, "c"}}),
                    catalog({{1, "id"}, {2, "a"}, {3, "b"}, {4, "c", oid::int4, -1, "42"}})),
            "1:id 2:a 3:b 4:c = 42 ");
  EXPECT_EQ(
      outcome(before, sent({{1, "id"}, {3, "b"}}), catalog({{1, "id"}, {2, "", 0}, {3, "b"}})),
      "1:id 3:b ");
  EXPECT_EQ(outcome(before, sent({{1, "id"}, {2, "b"}, {3, "a"}}),
                    catalog({{1, "id"}, {2, "b"}, {3, "a"}})),
            "1:id 2:b 3:a ");
}

TEST(ShapeChange, TakesTheShapeOfTheStreamWhereTheCatalogIsAhead) {
  const auto before = known({{1, "id"}, {2, "a"}}, 2);
  // Two columns were added, and the stream is at the first.
  EXPECT_EQ(outcome(before, sent({{1, "id"}, {2, "a"}, {3, "b"}}),
                    catalog({{1, "id"}, {2, "a"}, {3, "b"}, {4, "c"}})),
            "1:id 2:a 3:b ");
  // It will be renamed, and is already there.
  EXPECT_EQ(outcome(before, sent({{1, "id"}, {2, "a"}, {3, "b"}}),
                    catalog({{1, "id"}, {2, "a"}, {3, "later"}})),
            "1:id 2:a 3:b ");
  // One was added, which is what the stream shows; another will be dropped.
  EXPECT_EQ(outcome(before, sent({{1, "id"}, {2, "a"}, {3, "b"}}),
                    catalog({{1, "id"}, {2, "", 0}, {3, "b"}})),
            "1:id 2:a 3:b ");
}

TEST(ShapeChange, GuessesNothing) {
  const auto before = known({{1, "id"}, {2, "a"}}, 2);
  const std::string uncertain = "it is not certain which column is which";
  // a was dropped and b added; or a was renamed to b, and will be dropped and added.
  EXPECT_EQ(
      outcome(before, sent({{1, "id"}, {3, "b"}}), catalog({{1, "id"}, {2, "", 0}, {3, "b"}})),
      uncertain);
  // b came and went before the catalog was read.
  EXPECT_EQ(outcome(before, sent({{1, "id"}, {2, "a"}, {3, "b"}}),
                    catalog({{1, "id"}, {2, "a"}, {3, "", 0}, {4, "b"}})),
            uncertain);
  EXPECT_EQ(outcome(before, sent({{1, "id"}}), catalog({{1, "id"}, {2, "a"}})), uncertain);
  // Types can tell: a number does not become a text without a rewrite.
  EXPECT_EQ(outcome(before, sent({{1, "id"}, {3, "b", oid::text}}),
                    catalog({{1, "id"}, {2, "", 0}, {3, "b", oid::text}})),
            "1:id 3:b ");
}

TEST(ShapeChange, CopiesAgainWhatMayHaveBeenRewritten) {
  const auto before = known({{1, "id"}, {2, "a"}}, 2);
  const auto added = sent({{1, "id"}, {2, "a"}, {3, "b"}});
  EXPECT_EQ(outcome(before, added, catalog({{1, "id"}, {2, "a"}, {3, "b"}}, "2")),
            "its rows may have been rewritten");
  KnownShape unknown = before;
  unknown.catalog.clear();
  EXPECT_EQ(outcome(unknown, added, catalog({{1, "id"}, {2, "a"}, {3, "b"}})),
            "it is not known whether its rows were rewritten");
  EXPECT_EQ(outcome(before, sent({{1, "id"}, {2, "a", oid::int8}}),
                    catalog({{1, "id"}, {2, "a", oid::int8}})),
            "it is not certain which column is which");
  // A generated column that became an ordinary one has values that nobody sent.
  const auto generated = known({{1, "id"}, {2, "a"}}, 3);
  EXPECT_EQ(outcome(generated, added, catalog({{1, "id"}, {2, "a"}, {3, "b"}})),
            "the values of column b are not known");
}

TEST(ShapeChange, KeepsValuesOfTypesThatWereWidened) {
  const auto before =
      known({{1, "id"}, {2, "a", oid::varchar, 24}, {3, "n", oid::numeric, 524294}}, 3);
  const Columns after{{1, "id"}, {2, "a", oid::text}, {3, "n", oid::numeric, 1048582}};
  EXPECT_EQ(outcome(before, sent(after), catalog(after)), "1:id 2:a 3:n ");
}

TEST(ShapeChange, AConstantThatIsNotKnownIsNotMadeUp) {
  const auto before = known({{1, "id"}}, 1);
  auto now = catalog({{1, "id"}, {2, "b", oid::int4, -1, "no number"}});
  const auto relation = sent({{1, "id"}, {2, "b"}});
  EXPECT_EQ(outcome(before, relation, now), "the constant of column b is not known");
  now.columns[1].constant.reset();
  EXPECT_EQ(outcome(before, relation, now), "the constant of column b is not known");
}

TEST(SameIdentity, IsOfTheColumnsThatNameRows) {
  TableSchema one;
  one.columns.resize(2);
  one.columns[0].name = "id";
  one.columns[0].attnum = 1;
  one.columns[0].in_key = true;
  one.columns[1].name = "a";
  one.columns[1].attnum = 2;
  TableSchema other = one;
  other.columns.erase(other.columns.begin() + 1);
  EXPECT_TRUE(same_identity(one, other));
  other = one;
  other.columns[1].in_key = true;
  EXPECT_FALSE(same_identity(one, other));
  other = one;
  other.identity = Identity::Full;
  EXPECT_FALSE(same_identity(one, other));
}

}  // namespace
}  // namespace freshet::server
