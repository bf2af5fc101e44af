#include "engine/enum_types.h"

#include <gtest/gtest.h>

#include "engine/as_seen.h"
#include "engine/scratch_database.h"

namespace freshet::engine {
namespace {

std::vector<EnumLabel> labels(std::initializer_list<const char*> texts) {
  std::vector<EnumLabel> made;
  for (const char* text : texts) made.push_back({.oid = 1, .label = text});
  return made;
}

class EnumTypesTest : public testing::Test {
 protected:
  // A view of a table of texts, with the column m of an enum.
  void show_moods(const std::vector<EnumLabel>& moods) {
    const ColumnSchema column{
        .name = "m", .type = {.kind = TypeKind::Text, .shown = Shown::Enum}, .labels = moods};
    scratch.run("CREATE OR REPLACE VIEW seen AS SELECT id, " +
                as_seen(scratch.connection(), column, "m") + " AS m FROM stored");
  }
  std::string ids(const std::string& rest) { return scratch.text("SELECT list(id" + rest); }
  ScratchDatabase scratch;
};

TEST_F(EnumTypesTest, ValuesSortByThePlacesOfTheirLabels) {
  scratch.run(
      "CREATE TABLE stored(id INTEGER, m VARCHAR); INSERT INTO stored VALUES "
      "(1, 'happy'), (2, 'sad'), (3, NULL), (4, 'calm'), (5, 'new')");
  show_moods(labels({"sad", "calm", "happy"}));
  EXPECT_EQ(ids(" ORDER BY m NULLS FIRST) FROM seen"), "[3, 2, 4, 1, 5]") << "new comes last";
  EXPECT_EQ(ids(" ORDER BY id) FROM seen WHERE m > 'sad'"), "[1, 4, 5]");
  EXPECT_EQ(ids(" ORDER BY id) FROM seen WHERE m IN ('sad', 'happy')"), "[1, 2]");
  EXPECT_EQ(scratch.text("SELECT min(m)::VARCHAR || upper(max(m)) FROM seen WHERE id < 5"),
            "sadHAPPY");
  show_moods(labels({"new", "sad", "calm", "happy"}));
  EXPECT_EQ(ids(" ORDER BY m NULLS FIRST) FROM seen"), "[3, 5, 2, 4, 1]");
}

TEST_F(EnumTypesTest, EqualListsHaveOneTypeAndOthersAnother) {
  Connection& connection = scratch.connection();
  const std::string first = enum_type(connection, labels({"a", "b"}));
  EXPECT_EQ(enum_type(connection, labels({"a", "b"})), first);
  EXPECT_NE(enum_type(connection, labels({"b", "a"})), first);
}

TEST_F(EnumTypesTest, ATypeKeepsItsNumberThroughARestart) {
  const auto moods = labels({"sad", "happy"});
  ASSERT_TRUE(enum_number(scratch.connection(), labels({"other"})));
  const auto number = enum_number(scratch.connection(), moods);
  ASSERT_TRUE(number);
  scratch.run(
      "CREATE TABLE stored(id INTEGER, m VARCHAR); INSERT INTO stored VALUES "
      "(1, 'happy'), (2, 'sad')");
  show_moods(moods);
  scratch.reopen();
  restore_enum(scratch.connection(), *number, moods);
  EXPECT_EQ(ids(" ORDER BY m) FROM seen"), "[2, 1]");
  EXPECT_EQ(enum_number(scratch.connection(), moods), number);
}

TEST_F(EnumTypesTest, BeyondTheLastTypeLabelsAreTexts) {
  for (std::uint32_t i = 0; i < EnumTypes::types_max; ++i) {
    ASSERT_EQ(enum_number(scratch.connection(), labels({std::to_string(i).c_str()})), i);
  }
  EXPECT_EQ(enum_type(scratch.connection(), labels({"one more"})), "VARCHAR");
}

}  // namespace
}  // namespace freshet::engine
