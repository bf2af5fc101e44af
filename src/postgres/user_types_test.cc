#include "postgres/user_types.h"

#include <gtest/gtest.h>

#include "postgres/catalog.h"
#include "postgres/shared_scratch_server.h"
#include "postgres/types.h"
#include "postgres/values.h"

namespace freshet::postgres {
namespace {

class UserTypes : public testing::Test {
 protected:
  // The columns of a table that is declared so, after these statements.
  std::vector<ColumnSchema> columns(const std::string& before, const std::string& declared) {
    std::size_t at = 0;
    while (at < before.size()) {  // one by one: a new label is not used where it is made
      const std::size_t end = std::min(before.find(';', at), before.size());
      run(before.substr(at, end - at));
      at = end + 1;
    }
    run("CREATE TABLE public.t (" + declared + ")");
    const auto tables = read_tables(*connection_, TablePatterns::parse({"t"}).value());
    EXPECT_TRUE(tables.ok() && tables->size() == 1);
    return tables->front().schema.columns;
  }
  void run(const std::string& sql) {
    ignore(connection_->query("SET search_path = public"));
    EXPECT_TRUE(connection_->query(sql).ok()) << sql;
  }

  std::unique_ptr<Connection> connection_ = connect_to_new_database("user_types");
};

TEST_F(UserTypes, AnEnumHasItsLabelsInOrder) {
  const auto found = columns(
      "CREATE TYPE e AS ENUM ('b', 'a'); ALTER TYPE e ADD VALUE 'first' BEFORE 'b';"
      "CREATE DOMAIN d AS e; CREATE DOMAIN dd AS d",
      "plain e, many e[], of_domain dd, many_of_domain d[]");
  for (const ColumnSchema& column : found) {
    const bool list = column.type.kind == TypeKind::List;
    EXPECT_EQ(list, column.name.starts_with("many"));
    EXPECT_EQ(column.type.shown, Shown::Enum) << column.name;
    ASSERT_EQ(column.labels.size(), 3U) << column.name;
    EXPECT_EQ(column.labels[0].label, "first");
    EXPECT_EQ(column.labels[2].label, "a");
    EXPECT_FALSE(has_binary_form(column));
  }
  EXPECT_EQ(found[2].declared_type(), found[2].domain);
}

TEST_F(UserTypes, ACompositeHasItsFields) {
  const auto found = columns(
      "CREATE TYPE inner_one AS (x int); CREATE TYPE c AS (a int, \"B c\" "
      "numeric(10,2), i inet, n inner_one, l int[])",
      "one c, many c[]");
  for (const ColumnSchema& column : found) {
    EXPECT_EQ(column.type.shown, Shown::Record);
    ASSERT_EQ(column.fields.size(), 5U);
    EXPECT_EQ(column.fields[1], (RecordField{"B c", {TypeKind::Decimal, 10, 2}}));
    EXPECT_EQ(column.fields[2].type.shown, Shown::Inet);
    EXPECT_EQ(column.fields[3].type, Type{TypeKind::Text});
    EXPECT_EQ(column.fields[4].type, Type{TypeKind::Text});
  }
}

TEST_F(UserTypes, AnArrayOfADomainIsOneOfWhatItIsOver) {
  const auto found = columns("CREATE DOMAIN positive AS int; CREATE DOMAIN price AS numeric(10,2)",
                             "a positive[], p price[], one price");
  EXPECT_EQ(found[0].type, list_of({TypeKind::Int32}));
  EXPECT_EQ(found[0].pg_type, 1007U);
  EXPECT_NE(found[0].domain, 0U);
  EXPECT_EQ(found[1].type, list_of({TypeKind::Decimal, 10, 2}));
  EXPECT_EQ(found[2].type, (Type{TypeKind::Decimal, 10, 2}));
  for (const ColumnSchema& column : found) EXPECT_TRUE(has_binary_form(column)) << column.name;
}

TEST_F(UserTypes, OtherArraysAreListsOfTexts) {
  const auto found = columns("", "x xml[], v oidvector, b box[], n int[][], r int4range[]");
  EXPECT_EQ(found[0].type, list_of({TypeKind::Text}));
  EXPECT_EQ(found[1].type, Type{TypeKind::Text}) << "a vector begins at 0";
  EXPECT_EQ(found[2].type, Type{TypeKind::Text}) << "its elements have no commas between them";
  EXPECT_EQ(found[3].type, Type{TypeKind::Text}) << "declared with two dimensions";
  EXPECT_EQ(found[4].type, list_of({.kind = TypeKind::Text, .shown = Shown::Int4Range}));
}

TEST(Wider, HoldsWhatDoesNotFit) {
  const Type decimal{TypeKind::Decimal, 10, 2};
  EXPECT_EQ(wider(decimal, ValueFault::NotANumber), Type{TypeKind::Numeric});
  EXPECT_EQ(wider(list_of(decimal), ValueFault::NotANumber), list_of({TypeKind::Numeric}));
  EXPECT_EQ(wider(list_of(decimal), ValueFault::Dimensions), Type{TypeKind::Text});
  EXPECT_EQ(wider({TypeKind::Timestamp}, ValueFault::OutOfRange), Type{TypeKind::Text});
  EXPECT_EQ(wider({TypeKind::Text}, ValueFault::Encoding), std::nullopt);
  EXPECT_EQ(wider({TypeKind::Int32}, ValueFault::Malformed), std::nullopt);
}

}  // namespace
}  // namespace freshet::postgres
