#include "model/type.h"

#include <gtest/gtest.h>

#include "model/column.h"
#include "model/schema.h"

namespace freshet {
namespace {

TEST(Type, DecimalsAreAsWideAsTheEngineKeepsThem) {
  EXPECT_EQ(width({TypeKind::Decimal, 4, 2}), 2U);
  EXPECT_EQ(width({TypeKind::Decimal, 5, 2}), 4U);
  EXPECT_EQ(width({TypeKind::Decimal, 9, 2}), 4U);
  EXPECT_EQ(width({TypeKind::Decimal, 10, 2}), 8U);
  EXPECT_EQ(width({TypeKind::Decimal, 18, 2}), 8U);
  EXPECT_EQ(width({TypeKind::Decimal, 19, 2}), 16U);
  EXPECT_EQ(width({TypeKind::Decimal, 38, 2}), 16U);
}

TEST(Type, WidthsAreThoseOfTheValuesInMemory) {
  EXPECT_EQ(width({TypeKind::Interval}), sizeof(Interval));
  EXPECT_EQ(width({TypeKind::Text}), sizeof(StringRef));
  EXPECT_EQ(width({TypeKind::List}), sizeof(ListRef));
}

TEST(Type, SaysItsNameWithItsDetails) {
  EXPECT_EQ(to_string(Type{TypeKind::Decimal, 12, 2}), "decimal(12,2)");
  EXPECT_EQ(to_string(Type{TypeKind::List, 0, 0, TypeKind::Text}), "list(text)");
  EXPECT_EQ(to_string(Type{TypeKind::List, 10, 2, TypeKind::Decimal}), "list(decimal(10,2))");
}

TEST(TableSchema, IdentityColumnsFollowTheIdentity) {
  TableSchema schema;
  schema.columns.resize(3);
  schema.columns[0].in_key = schema.columns[2].in_key = true;
  EXPECT_EQ(schema.identity_columns(), (std::vector<std::size_t>{0, 2}));
  schema.identity = Identity::Full;
  EXPECT_EQ(schema.identity_columns(), (std::vector<std::size_t>{0, 1, 2}));
  schema.identity = Identity::None;
  EXPECT_TRUE(schema.identity_columns().empty());
}

}  // namespace
}  // namespace freshet
