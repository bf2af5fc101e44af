#include "query/command_statement.h"

#include <gtest/gtest.h>

#include "query/scratch_world.h"

namespace freshet::query {
namespace {

std::string refused(std::string_view sql) {
  const Result<Command> command = parse_command(sql);
  return command.ok() ? "" : command.error().sqlstate;
}

TEST(CommandStatements, AreOneAtATime) {
  EXPECT_EQ(refused("DROP COLLECTION paid;"), "");
  EXPECT_EQ(refused("ALTER SOURCE shop RESYNC"), "");
  EXPECT_EQ(refused(""), "42601");
  EXPECT_EQ(refused(" ; -- nothing"), "42601");
  EXPECT_EQ(parse_command("DROP COLLECTION a; DROP COLLECTION b").error().position, 18);
}

TEST(CommandStatements, AreNoQueriesAndNothingForSessions) {
  for (const char* sql : {"SELECT 1", "BEGIN", "SET timezone = 'UTC'", "SHOW ALL", "COMMIT"}) {
    EXPECT_EQ(refused(sql), "0A000") << sql;
  }
  EXPECT_EQ(refused("INSERT INTO orders VALUES (1)"), "25006");
  EXPECT_EQ(refused("DROP COLLECTION 'open"), "42601");
  EXPECT_EQ(refused("mumble"), "42601");
}

class Performing : public testing::Test {
 protected:
  Performing() {
    TableStatus orders;
    orders.source = "shop";
    orders.schema = "public";
    orders.name = "orders";
    status_.all_tables = {orders};
  }
  Result<Performed> ask(std::string_view sql) {
    return perform(parse_command(sql).value(), status_, commands_, {});
  }
  ScratchStatus status_;
  ScratchCommands commands_;
};

TEST_F(Performing, TellsWhatItWasDoneTo) {
  commands_.notes = {{.sqlstate = "01000", .message = "note"}};
  const Performed made = ask("CREATE COLLECTION paid FROM orders AS SELECT * FROM _input").value();
  EXPECT_EQ(made.tag, "CREATE COLLECTION");
  EXPECT_EQ(made.source, "shop");
  EXPECT_EQ(made.schema, "public");
  EXPECT_EQ(made.name, "paid");
  EXPECT_EQ(made.notes.size(), 1U);
  const Performed anew = ask("ALTER SOURCE shop RESYNC").value();
  EXPECT_EQ(anew.source, "shop");
  EXPECT_EQ(anew.name, "");
}

TEST_F(Performing, DoesNothingWhereNothingHasToBeDone) {
  EXPECT_EQ(ask("DROP COLLECTION IF EXISTS nothing").value().source, "");
  EXPECT_TRUE(commands_.asked.empty());
  EXPECT_EQ(ask("DROP COLLECTION nothing").error().sqlstate, "42P01");
}

}  // namespace
}  // namespace freshet::query
