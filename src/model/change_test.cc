#include "model/change.h"

#include <gtest/gtest.h>

namespace freshet {
namespace {

std::shared_ptr<TableSchema> keyed_schema() {
  auto schema = std::make_shared<TableSchema>();
  schema->columns.resize(2);
  schema->columns[0].type = {TypeKind::Int64};
  schema->columns[1].type = {TypeKind::Text};
  schema->columns[1].in_key = true;
  return schema;
}

TEST(TableChanges, HaveAColumnPerColumnAndAnOldOnePerIdentityColumn) {
  const TableChanges changes(keyed_schema());
  ASSERT_EQ(changes.rows.size(), 2U);
  ASSERT_EQ(changes.old.size(), 1U);
  EXPECT_EQ(changes.old[0].type().kind, TypeKind::Text);
  EXPECT_EQ(changes.identity, std::vector<std::size_t>{1});
}

TEST(ChangeSet, ClearedItKeepsItsTablesAndNothingElse) {
  ChangeSet set;
  const auto schema = keyed_schema();
  TableChanges& table = *(set.tables[TableId{1}] = std::make_unique<TableChanges>(schema));
  table.skip_before = Lsn{5};
  table.rows[0].append(std::int64_t{1});
  table.rows[1].append_string(set.arena.keep("a"));
  table.changes.push_back({Op::Insert, 0});
  set.stopped.push_back({TableId{1}, true, {}});
  set.applied.lsn = Lsn{9};
  set.transactions = set.change_count = set.payload_bytes = 1;
  set.clear();
  ASSERT_EQ(set.tables.size(), 1U);
  EXPECT_EQ(table.schema, schema);
  EXPECT_EQ(table.skip_before, Lsn{5});
  EXPECT_EQ(table.row_count(), 0U);
  EXPECT_TRUE(table.changes.empty());
  EXPECT_TRUE(set.stopped.empty());
  EXPECT_EQ(set.applied.lsn, Lsn{});
  EXPECT_EQ(set.transactions + set.change_count + set.payload_bytes, 0U);
}

}  // namespace
}  // namespace freshet
