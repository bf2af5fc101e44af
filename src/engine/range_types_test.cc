#include "engine/range_types.h"

#include <gtest/gtest.h>

#include "engine/scratch_database.h"

namespace freshet::engine {
namespace {

class RangeTypes : public testing::Test {
 protected:
  // The canonical form, or "refused".
  std::string read(Shown shown, const std::string& text) {
    const auto rows = scratch.connection().query("SELECT CAST(CAST(" + literal(text) + " AS " +
                                                 range_type(shown) + ") AS VARCHAR)");
    return rows.ok() ? rows->at(0).at(0).value_or("NULL") : "refused";
  }
  ScratchDatabase scratch;
};

TEST_F(RangeTypes, DiscreteRangesHaveOneForm) {
  EXPECT_EQ(read(Shown::Int4Range, "[1,4]"), "[1,5)");
  EXPECT_EQ(read(Shown::Int4Range, "(1,4)"), "[2,4)");
  EXPECT_EQ(read(Shown::Int4Range, "(1,2)"), "empty");
  EXPECT_EQ(read(Shown::Int4Range, "[3,3)"), "empty");
  EXPECT_EQ(read(Shown::Int4Range, "[,]"), "(,)");
  EXPECT_EQ(read(Shown::DateRange, "[2024-01-01,2024-02-28]"), "[2024-01-01,2024-02-29)");
  EXPECT_EQ(read(Shown::DateRange, "[2024-01-01,infinity]"), "[2024-01-01,infinity]");
  EXPECT_EQ(read(Shown::NumRange, "(1,2]"), "(1,2]");
  EXPECT_EQ(read(Shown::NumRange, "(1,1]"), "empty");
}

TEST_F(RangeTypes, WhatIsNoRangeIsRefused) {
  EXPECT_EQ(read(Shown::Int4Range, "[5,1]"), "refused");
  EXPECT_EQ(read(Shown::Int4Range, "[1,2147483647]"), "refused");
  EXPECT_EQ(read(Shown::Int4Range, "[a,b)"), "refused");
  EXPECT_EQ(read(Shown::Int4Range, "1"), "refused");
  EXPECT_EQ(read(Shown::Int4Multirange, "{[1,2),x}"), "refused");
}

TEST_F(RangeTypes, FieldsAreNamed) {
  const std::string range = "CAST('[1,5)' AS " + range_type_named("int4range") + ")";
  EXPECT_EQ(scratch.text("SELECT r.lower || ' ' || r.upper || ' ' || r.lower_inc FROM (SELECT " +
                         range + " AS r)"),
            "1 5 true");
  const std::string many = "CAST('{[1,3),[5,)}' AS " + range_type_named("int4multirange") + ")";
  EXPECT_EQ(scratch.text("SELECT m.ranges[2].lower FROM (SELECT " + many + " AS m)"), "5");
  EXPECT_EQ(scratch.text("SELECT m.ranges[2].upper IS NULL FROM (SELECT " + many + " AS m)"),
            "true");
}

TEST_F(RangeTypes, NamesAreThoseOfPostgreSQL) {
  EXPECT_EQ(range_type_named("nummultirange"), range_type(Shown::NumMultirange));
  EXPECT_EQ(range_type_named("floatrange"), "");
  EXPECT_EQ(range_type(Shown::Inet), "");
}

}  // namespace
}  // namespace freshet::engine
