#include "decode/relation.h"

#include <gtest/gtest.h>

#include "decode/scripted_part.h"
#include "postgres/types.h"

namespace freshet::decode {
namespace {

namespace oid = postgres::oid;

ColumnSchema column(std::string name, std::uint32_t pg_type, bool in_key = false) {
  return {.name = std::move(name), .type = {}, .pg_type = pg_type, .in_key = in_key};
}

// orders(id int8 primary key, note varchar, total numeric)
TableSchema orders() {
  return {
      TableId{501},
      "public",
      "orders",
      Identity::Key,
      {column("id", oid::int8, true), column("note", oid::varchar), column("total", oid::numeric)}};
}

// What the decoder says when `source` is the table now and orders() what we have.
std::string altered_to(const TableSchema& source) {
  const std::string message = scripted::relation_message(source).substr(1);
  ByteReader reader(as_bytes(message));
  const std::optional<Relation> relation = parse_relation(reader);
  return relation ? difference(orders(), *relation) : "malformed";
}

TEST(Relation, OfTheSameTableDiffersInNothing) {
  EXPECT_EQ(altered_to(orders()), "");
}

TEST(Relation, NamesAreLabelsOnly) {
  TableSchema source = orders();
  source.schema = "archive";
  source.name = "old_orders";
  EXPECT_EQ(altered_to(source), "");
}

TEST(Relation, SaysWhichColumnWasAdded) {
  TableSchema source = orders();
  source.columns.push_back(column("placed", oid::date));
  EXPECT_EQ(altered_to(source), "column placed was added");
}

TEST(Relation, SaysWhichColumnWasDropped) {
  TableSchema source = orders();
  source.columns.pop_back();
  EXPECT_EQ(altered_to(source), "column total was dropped");
  source = orders();
  source.columns.erase(source.columns.begin() + 1);
  EXPECT_EQ(altered_to(source), "column note was dropped");
}

TEST(Relation, SaysWhichColumnWasRenamed) {
  TableSchema source = orders();
  source.columns[1].name = "comment";
  EXPECT_EQ(altered_to(source), "column note was renamed to comment or replaced by it");
}

TEST(Relation, SeesAnotherOrder) {
  TableSchema source = orders();
  std::swap(source.columns[1], source.columns[2]);
  EXPECT_EQ(altered_to(source), "the order of the columns changed");
}

TEST(Relation, SeesAnotherType) {
  TableSchema source = orders();
  source.columns[1].pg_type = oid::text;
  EXPECT_EQ(altered_to(source), "column note changed its type from varchar to text");
  source = orders();
  source.columns[2].pg_typmod = 786'438;
  EXPECT_EQ(altered_to(source),
            "column total changed its length or precision (typmod -1 to 786438)");
}

TEST(Relation, SeesAnotherKey) {
  TableSchema source = orders();
  source.columns[1].in_key = true;
  EXPECT_EQ(altered_to(source), "column note joined the replica identity");
  source.columns[0].in_key = false;
  EXPECT_EQ(altered_to(source), "column id left the replica identity");
}

TEST(Relation, SeesAnotherIdentity) {
  TableSchema source = orders();
  source.identity = Identity::Full;
  EXPECT_EQ(altered_to(source), "the replica identity changed from a key to the full row");
  source.identity = Identity::None;
  EXPECT_EQ(altered_to(source), "the replica identity changed from a key to nothing");
  source = orders();  // the default identity, but no primary key any more
  source.columns[0].in_key = false;
  EXPECT_EQ(altered_to(source), "the replica identity changed from a key to nothing");
}

TEST(Relation, FlagsDoNotMatterUnderFullIdentity) {
  TableSchema ours = orders();
  ours.identity = Identity::Full;
  const std::string message = scripted::relation_message(ours).substr(1);
  ByteReader reader(as_bytes(message));
  EXPECT_EQ(difference(ours, *parse_relation(reader)), "");
}

TEST(Relation, WithAnUnknownIdentityIsMalformed) {
  std::string message = scripted::relation_message(orders()).substr(1);
  message[message.find("orders") + 7] = 'x';
  ByteReader reader(as_bytes(message));
  EXPECT_FALSE(parse_relation(reader));
}

}  // namespace
}  // namespace freshet::decode
