#include "query/commands.h"

#include <gtest/gtest.h>

#include "query/control.h"

namespace freshet::query {
namespace {

Result<Control> parse(std::string_view sql) {
  return classify(sql, tokenize(sql));
}

template <typename Kind>
Kind command(std::string_view sql) {
  const Result<Control> control = parse(sql);
  EXPECT_TRUE(control.ok()) << sql;
  return std::get<Kind>(std::get<Command>(control.value()));
}

std::vector<std::string> patterns(std::string_view sql) {
  std::vector<std::string> texts;
  for (const Word& word : command<AlterSource>(sql).patterns) texts.push_back(word.text);
  return texts;
}

TEST(AlterStatements, NameACollectionAndWhatToDo) {
  const auto pause = command<AlterCollection>("alter collection Orders pause");
  EXPECT_EQ(pause.action, AlterCollection::Action::Pause);
  EXPECT_EQ(pause.name.text, "orders");
  EXPECT_EQ(pause.name.position, 18);
  const auto resume = command<AlterCollection>("ALTER COLLECTION app.\"Big Orders\" RESUME");
  EXPECT_EQ(resume.action, AlterCollection::Action::Resume);
  EXPECT_EQ(resume.schema, "app");
  EXPECT_EQ(resume.name.text, "Big Orders");
  const auto resync = command<AlterCollection>("ALTER COLLECTION shop.app.orders RESYNC");
  EXPECT_EQ(resync.action, AlterCollection::Action::Resync);
  EXPECT_EQ(resync.source, "shop");
  EXPECT_EQ(resync.schema, "app");
}

TEST(AlterStatements, TakePatternsBareOrQuoted) {
  using Texts = std::vector<std::string>;
  EXPECT_EQ(patterns("ALTER SOURCE shop ADD TABLE orders"), Texts{"orders"});
  EXPECT_EQ(patterns("ALTER SOURCE shop ADD TABLE public.*, app_*.order*, '\"A b\".*'"),
            (Texts{"public.*", "app_*.order*", "\"A b\".*"}));
  EXPECT_EQ(patterns("ALTER SOURCE shop DROP TABLE \"Mixed\".\"Case\" , a.b"),
            (Texts{"\"Mixed\".\"Case\"", "a.b"}));
  EXPECT_EQ(command<AlterSource>("ALTER SOURCE shop DROP TABLE a.b").action,
            AlterSource::Action::DropTables);
  EXPECT_EQ(command<AlterSource>("ALTER SOURCE s ADD TABLE a, b.c").patterns[1].position, 29);
}

TEST(AlterStatements, PointAtWhatDoesNotFit) {
  const std::vector<std::pair<std::string, int>> cases = {{"ALTER COLLECTION orders", 0},
                                                          {"ALTER COLLECTION orders STOP", 25},
                                                          {"ALTER COLLECTION orders PAUSE now", 31},
                                                          {"ALTER COLLECTION 12 PAUSE", 18},
                                                          {"ALTER SOURCE shop ADD orders", 23},
                                                          {"ALTER SOURCE shop ADD TABLE", 0},
                                                          {"ALTER SOURCE shop ADD TABLE a,", 0},
                                                          {"ALTER SOURCE shop ADD TABLE a b", 31},
                                                          {"ALTER SOURCE shop ADD TABLE ,", 29},
                                                          {"ALTER SOURCE shop", 0}};
  for (const auto& [sql, position] : cases) {
    const Result<Control> control = parse(sql);
    ASSERT_FALSE(control.ok()) << sql;
    EXPECT_EQ(control.error().sqlstate, "42601") << sql;
    EXPECT_EQ(control.error().position, position) << sql;
    EXPECT_TRUE(control.error().hint.starts_with("ALTER ")) << sql;
  }
}

TEST(AlterStatements, OfOtherThingsWouldWrite) {
  EXPECT_EQ(parse("ALTER TABLE orders ADD x int").error().sqlstate, "25006");
  EXPECT_EQ(parse("ALTER").error().sqlstate, "25006");
}

class Resolve : public testing::Test {
 protected:
  static TableStatus table(std::string source, std::string schema, std::string name) {
    TableStatus status;
    status.source = std::move(source);
    status.schema = std::move(schema);
    status.name = std::move(name);
    return status;
  }
  Result<AlterCollection> resolved(std::string_view sql) const {
    return resolve(command<AlterCollection>(sql), tables_, {"app", "public"});
  }

  const std::vector<TableStatus> tables_ = {
      table("one", "public", "orders"), table("two", "public", "orders"),
      table("one", "app", "People"), table("one", "public", "people")};
};

TEST_F(Resolve, FollowsTheSearchPath) {
  const auto people = resolved("ALTER COLLECTION people PAUSE");
  ASSERT_TRUE(people.ok());
  EXPECT_EQ(people.value().schema, "app");
  EXPECT_EQ(people.value().name.text, "People");
  EXPECT_EQ(resolved("ALTER COLLECTION public.people PAUSE").value().schema, "public");
}

TEST_F(Resolve, RefusesWhatIsNotThereOrAmbiguous) {
  const auto missing = resolved("ALTER COLLECTION app.orders PAUSE");
  EXPECT_EQ(missing.error().sqlstate, "42P01");
  EXPECT_EQ(missing.error().position, 18);
  EXPECT_EQ(resolved("ALTER COLLECTION orders PAUSE").error().sqlstate, "42P09");
  EXPECT_EQ(resolved("ALTER COLLECTION two.public.orders PAUSE").value().source, "two");
}

}  // namespace
}  // namespace freshet::query
