#include "postgres/types.h"

#include <gtest/gtest.h>

#include "postgres/type_table.h"
#include "postgres/values.h"

namespace freshet::postgres {
namespace {

// The typmod of numeric(precision, scale).
std::int32_t numeric(int precision, int scale) {
  return ((precision << 16) | (scale & 0x7ff)) + 4;
}

TEST(Types, NumericIsDecimalExactlyWhenItsPrecisionFits) {
  EXPECT_EQ(to_string(type_for(oid::numeric, numeric(12, 2))), "decimal(12,2)");
  EXPECT_EQ(to_string(type_for(oid::numeric, numeric(38, 38))), "decimal(38,38)");
  EXPECT_EQ(to_string(type_for(oid::numeric, numeric(1, 0))), "decimal(1,0)");
  EXPECT_EQ(to_string(type_for(oid::numeric, -1)), "numeric");
  EXPECT_EQ(to_string(type_for(oid::numeric, numeric(39, 0))), "numeric");
  EXPECT_EQ(to_string(type_for(oid::numeric, numeric(1000, 1000))), "numeric");
  EXPECT_EQ(to_string(type_for(oid::numeric, numeric(5, -2))),
            "numeric");  // rounds left of the point
  EXPECT_EQ(to_string(type_for(oid::numeric, numeric(3, 5))), "numeric");  // 0.00123
}

TEST(Types, ArraysAreListsOfTheirElements) {
  EXPECT_EQ(to_string(type_for(1007, -1)), "list(int32)");
  EXPECT_EQ(to_string(type_for(1231, numeric(10, 2))), "list(decimal(10,2))");
  EXPECT_EQ(to_string(type_for(1231, -1)), "list(numeric)");
  EXPECT_EQ(to_string(type_for(3807, -1)), "list(jsonb)");
}

TEST(Types, WhatWeDoNotKnowIsText) {
  constexpr std::uint32_t inet = 869, int2vector = 22, of_an_extension = 16'500;
  for (const std::uint32_t type_oid : {inet, int2vector, of_an_extension}) {
    EXPECT_EQ(to_string(type_for(type_oid, -1)), "text");
    EXPECT_FALSE(has_binary_form(type_oid, type_for(type_oid, -1)));
  }
}

TEST(Types, EveryKnownTypeHasABinaryFormAndAName) {
  for (const KnownType& known : known_types) {
    EXPECT_EQ(type_for(known.type_oid, -1).kind, known.kind);
    EXPECT_EQ(type_for(known.array_oid, -1).element, known.kind);
    const bool is_read = known.shown == Shown::AsStored;
    for (const std::uint32_t oid : {known.type_oid, known.array_oid}) {
      EXPECT_EQ(has_binary_form(oid, type_for(oid, -1)), is_read);
      EXPECT_EQ(has_binary_form(oid, {TypeKind::Text}),
                is_read && oid == known.type_oid && known.kind == TypeKind::Text);
    }
    EXPECT_EQ(type_name(known.array_oid), std::string(known.name) + "[]");
  }
  EXPECT_EQ(type_name(600), "oid 600");
}

}  // namespace
}  // namespace freshet::postgres
