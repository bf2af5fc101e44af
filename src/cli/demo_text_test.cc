#include <gtest/gtest.h>

#include <string>

#include "cli/demo_guide.h"
#include "cli/demo_report.h"
#include "cli/demo_screen.h"

namespace freshet::cli {

namespace {

using namespace std::string_literals;

struct Seen {
  std::string text;
  Screen screen(Screen::Options options) {
    return Screen(options, [this](std::string_view written) { text += written; });
  }
};

}  // namespace

TEST(Screen, PrintsEveryBlockWhereThereIsNoTerminal) {
  Seen seen;
  Screen screen = seen.screen({.terminal = false});
  screen.show({"one", "two"});
  screen.show({"three"});
  EXPECT_EQ(seen.text, "one\ntwo\nthree\n");
}

TEST(Screen, DrawsABlockOverTheOneBefore) {
  Seen seen;
  Screen screen = seen.screen({.terminal = true});
  screen.show({"one", "two"});
  screen.show({"three"});
  EXPECT_EQ(seen.text, "one\ntwo\n\033[2A\033[Jthree\n");
}

TEST(Screen, KeepsTheBlockBelowWhatIsSaid) {
  Seen seen;
  Screen screen = seen.screen({.terminal = true});
  screen.show({"one"});
  screen.say("news");
  EXPECT_EQ(seen.text, "one\n\033[1A\033[Jnews\none\n");
}

TEST(Screen, WritesBelowABlockThatIsSettled) {
  Seen seen;
  Screen screen = seen.screen({.terminal = true});
  screen.show({"one"});
  screen.settle();
  screen.say("stopping");
  EXPECT_EQ(seen.text, "one\nstopping\n");
}

TEST(Screen, CutsWhatWouldWrapOrScroll) {
  Seen seen;
  Screen screen = seen.screen({.terminal = true, .columns = 3, .rows = 3});
  screen.show({"äöüß", "ab", "lost"});
  EXPECT_EQ(seen.text, "äöü\nab\n");
}

TEST(Report, AlignsNumbersToTheRightAndNullsAsNothing) {
  const postgres::Rows rows{.columns = {"status", "orders"},
                            .rows = {{"paid"s, "7"s}, {"delivered"s, "12345"s}, {"lost"s, {}}}};
  const std::vector<std::string> expected = {"status     orders", "paid            7",
                                             "delivered   12345", "lost"};
  EXPECT_EQ(table_lines(rows), expected);
}

TEST(Report, ShowsColumnsOfNoRows) {
  EXPECT_EQ(table_lines({.columns = {"a", "b"}, .rows = {}}), std::vector{"a  b"s});
}

TEST(Guide, NamesTheServersAndWhatHappensAtTheEnd) {
  Guide guide{.source_url = "postgresql://s", .sql_url = "postgresql://f", .http_url = "http://h"};
  guide.folder = "there";
  guide.rate = 200;
  EXPECT_NE(what_to_try(guide).find("psql postgresql://f -c '\\d orders'"), std::string::npos);
  EXPECT_NE(what_to_try(guide).find("about 200 transactions/s"), std::string::npos);
  EXPECT_NE(what_to_try(guide).find("removes there"), std::string::npos);
  guide.keep = true;
  EXPECT_NE(what_to_try(guide).find("keeps there"), std::string::npos);
}

TEST(Guide, StartsTheServerAgainAsTheUserWhoMay) {
  Guide guide{.folder = "there", .postgres_major = 16, .postgres_port = 7};
  EXPECT_EQ(how_to_start_again(guide).find("runuser"), std::string::npos);
  guide.as_root = true;
  EXPECT_NE(how_to_start_again(guide).find(
                "runuser -u postgres -- /usr/lib/postgresql/16/bin/pg_ctl -D there/postgres/data"),
            std::string::npos);
}

}  // namespace freshet::cli
