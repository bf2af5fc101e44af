#include "query/session.h"

#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "query/scratch_world.h"

namespace freshet::query {
namespace {

// Rows as text, a line each; what the engine prints is enough here.
class TextSink final : public ResultSink {
 public:
  explicit TextSink(std::size_t columns) : columns_(columns) {}
  Result<> rows(const engine::Chunk& chunk, std::size_t begin, std::size_t end) override {
    for (std::size_t row = begin; row < end; ++row) {
      std::string line;
      for (std::size_t i = 0; i < columns_; ++i) {
        const engine::VectorView& column = chunk.column(i);
        line += (i == 0 ? "" : "|") + (column.is_null(row) ? "NULL" : column.print(row));
      }
      lines.push_back(line);
    }
    return {};
  }
  std::vector<std::string> lines;

 private:
  std::size_t columns_;
};

// A client that sends one statement after the other, as a simple query does.
struct Client {
  explicit Client(ScratchWorld& world)
      : session(collection::must(Session::open(world.store(), world.status, world.commands, {}))) {}

  // The rows, then the tag; or the SQLSTATE.
  std::vector<std::string> run(const std::string& sql, std::vector<Parameter> parameters = {}) {
    Result<std::vector<std::string>> lines = attempt(sql, std::move(parameters));
    if (!lines.ok()) {
      last_error = lines.error();
      session->fail();
    }
    session->finish();
    return lines.ok() ? lines.value() : std::vector<std::string>{lines.error().sqlstate};
  }
  std::string one(const std::string& sql, std::vector<Parameter> parameters = {}) {
    return run(sql, std::move(parameters)).front();
  }

  std::unique_ptr<Session> session;
  Error last_error;

 private:
  Result<std::vector<std::string>> attempt(const std::string& sql,
                                           std::vector<Parameter> parameters) {
    TRY(session->prepare("", sql, {}));
    TRY(session->bind("", "", std::move(parameters)));
    const StatementDescription description = TRY(session->describe_portal(""));
    TextSink sink(description.columns.size());
    const Outcome outcome = TRY(session->execute("", 0, sink));
    sink.lines.push_back(outcome.tag);
    return sink.lines;
  }
};

using Lines = std::vector<std::string>;

class SessionTest : public testing::Test {
 protected:
  // One store for all: opening one takes longer than any test.
  static void SetUpTestSuite() {
    world_ = std::make_unique<ScratchWorld>();
    collection::must(register_system_relations(world_->store(), world_->status));
  }
  static void TearDownTestSuite() { world_.reset(); }

  static std::unique_ptr<ScratchWorld> world_;
  ScratchWorld& world = *world_;
  Client client{*world_};
};
std::unique_ptr<ScratchWorld> SessionTest::world_;

TEST_F(SessionTest, AnswersQueriesOnCollections) {
  EXPECT_EQ(client.run("select id, name from orders where total > 20 order by id desc"),
            (Lines{"3|salt", "2|jam \"and\" bread", "SELECT 2"}));
  EXPECT_EQ(client.one("select count(*) from public.numbers where even"), "5000");
}

TEST_F(SessionTest, RefusesToWrite) {
  EXPECT_EQ(client.one("insert into orders values (9)"), "25006");
  EXPECT_NE(client.last_error.hint.find("follow their source"), std::string::npos);
  EXPECT_EQ(client.one("with x as (select 1) delete from orders"), "25006");
  EXPECT_EQ(client.one("create table t (a int)"), "25006");
  EXPECT_EQ(client.one("set lock_timeout = 5"), "SET");
  EXPECT_EQ(client.one("set memory_limit = '1GB'"), "42704");
}

TEST_F(SessionTest, HidesWhereRowsAreKept) {
  EXPECT_EQ(client.one("select * from _segments.s1"), "42501");
  EXPECT_EQ(client.one("select * from \"_meta\".tables"), "42501");
  EXPECT_EQ(client.one("select * from '_segments.s1'"), "42P01");
}

TEST_F(SessionTest, TellsThatATableIsStillBeingCopied) {
  EXPECT_EQ(client.one("select * from arriving"), "55000");
  EXPECT_EQ(client.last_error.message, "collection public.arriving is still being copied");
  EXPECT_EQ(client.one("select * from nosuch"), "42P01");
}

TEST_F(SessionTest, KeepsOneVersionForABlockAndFailsItUntilRollback) {
  EXPECT_EQ(client.one("begin"), "BEGIN");
  EXPECT_EQ(client.session->transaction_status(), TransactionStatus::Block);
  EXPECT_EQ(client.one("select 1"), "1");
  EXPECT_EQ(client.one("select nosuch"), "42703");
  EXPECT_EQ(client.session->transaction_status(), TransactionStatus::Failed);
  EXPECT_EQ(client.one("select 1"), "25P02");
  EXPECT_EQ(client.one("commit"), "ROLLBACK");
  EXPECT_EQ(client.session->transaction_status(), TransactionStatus::Idle);
  EXPECT_EQ(client.one("select 1"), "1");
}

TEST_F(SessionTest, PointsAtTheMistakeInTheClientsText) {
  client.run("select 'é', nosuch from orders");
  EXPECT_EQ(client.last_error.position, 13);
  client.run("select 1 where 'a' ~ 'b' and nosuch");
  EXPECT_EQ(client.last_error.position, 30);
}

TEST_F(SessionTest, ComputesLikePostgresWhereTheEngineWouldNot) {
  EXPECT_EQ(client.one("select 7 / 2"), "3");
  EXPECT_EQ(client.one("select 'foobar' ~ 'oba'"), "true");
  EXPECT_EQ(client.one("select 'a_b' like 'a\\_b'"), "true");
  EXPECT_EQ(client.run("select x from (values (1), (null), (2)) t(x) order by x desc"),
            (Lines{"NULL", "2", "1", "SELECT 3"}));
  EXPECT_EQ(client.one("select '1.505'::numeric"), "1.505");
  EXPECT_EQ(client.one("select current_database() || current_user"), "freshetfreshet");
}

TEST_F(SessionTest, DescribesParametersByWhatTheyMeet) {
  ASSERT_TRUE(client.session->prepare("p", "select name from orders where id = $1", {}).ok());
  const auto description = collection::must(client.session->describe("p"));
  EXPECT_EQ(description.parameters, (std::vector<std::uint32_t>{20}));
  ASSERT_EQ(description.columns.size(), 1U);
  EXPECT_EQ(description.columns[0].name, "name");
  client.session->finish();
  const auto type_of = [&](const std::string& sql, std::vector<std::uint32_t> given) {
    collection::must(client.session->prepare("", sql, std::move(given)));
    const auto parameters = collection::must(client.session->describe("")).parameters;
    client.session->finish();
    return parameters.front();
  };
  EXPECT_EQ(type_of("select $1", {}), 25U);
  EXPECT_EQ(type_of("select $1 + 1", {}), 20U);
  EXPECT_EQ(type_of("select 1 where current_date > $1", {}), 1082U);
  EXPECT_EQ(type_of("select $1", {23}), 23U);
  EXPECT_EQ(type_of("select * from orders limit $1", {}), 20U);
  EXPECT_EQ(type_of("select * from orders where id = any($1)", {}), 1016U);
}

TEST_F(SessionTest, BindsParametersOfManyTypes) {
  EXPECT_EQ(client.one("select name from orders where id = $1", {std::int64_t{3}}), "salt");
  EXPECT_EQ(client.one("select id from orders where total = $1", {std::string("21.00")}), "2");
  EXPECT_EQ(client.one("select id from orders where total = $1", {std::string("21.001")}),
            "SELECT 0");
  EXPECT_EQ(client.one("select $1 is null", {std::monostate{}}), "true");
  EXPECT_EQ(
      client.one("select count(*) from orders where id = any($1)", {std::string("['1', '3']")}),
      "2");
}

TEST_F(SessionTest, SuspendsPortalsAndGoesOnWithThem) {
  Session& session = *client.session;
  collection::must(session.prepare("n", "select id from numbers order by id", {}));
  collection::must(session.bind("p", "n", {}));
  TextSink sink(1);
  EXPECT_EQ(collection::must(session.execute("p", 3, sink)).kind, Outcome::Kind::Suspended);
  // Another statement in between takes the engine, and the portal keeps its rows.
  TextSink other(1);
  collection::must(session.prepare("", "select count(*) from orders", {}));
  collection::must(session.bind("", "", {}));
  collection::must(session.execute("", 0, other));
  EXPECT_EQ(other.lines, (Lines{"3"}));
  EXPECT_EQ(collection::must(session.execute("p", 2, sink)).kind, Outcome::Kind::Suspended);
  EXPECT_EQ(sink.lines, (Lines{"1", "2", "3", "4", "5"}));
  EXPECT_EQ(collection::must(session.execute("p", 0, sink)).tag, "SELECT 9995");
  EXPECT_EQ(sink.lines.size(), 10'000U);
  session.finish();
  EXPECT_FALSE(session.execute("p", 0, sink).ok());
}

TEST_F(SessionTest, FetchesFromCursors) {
  EXPECT_EQ(client.one("declare c cursor for select 1"), "25P01");
  client.run("begin");
  EXPECT_EQ(client.one("declare c cursor for select id from numbers order by id"),
            "DECLARE CURSOR");
  EXPECT_EQ(client.run("fetch 2 from c"), (Lines{"1", "2", "FETCH 2"}));
  EXPECT_EQ(client.run("move 5 from c"), (Lines{"MOVE 5"}));
  EXPECT_EQ(client.run("fetch c"), (Lines{"8", "FETCH 1"}));
  EXPECT_EQ(client.run("fetch all from c").size(), 9'993U);
  EXPECT_EQ(client.run("fetch c"), (Lines{"FETCH 0"}));
  EXPECT_EQ(client.one("close c"), "CLOSE CURSOR");
  EXPECT_EQ(client.one("commit"), "COMMIT");
}

TEST_F(SessionTest, KeepsHeldCursorsBeyondTheirBlock) {
  client.run("begin");
  client.run("declare h cursor with hold for select id from numbers order by id");
  client.run("commit");
  EXPECT_EQ(client.run("fetch 1 from h"), (Lines{"1", "FETCH 1"}));
  EXPECT_EQ(client.one("close h"), "CLOSE CURSOR");
}

TEST_F(SessionTest, SetsShowsAndRestoresSettings) {
  EXPECT_EQ(client.one("show timezone"), "UTC");
  client.run("begin");
  client.run("set local timezone = 'Europe/Berlin'");
  EXPECT_EQ(client.one("select placed::varchar from orders where id = 1"),
            "2024-01-02 04:04:06.5+01");
  client.run("commit");
  EXPECT_EQ(client.one("show time zone"), "UTC");
  EXPECT_EQ(client.one("set timezone = 'Nowhere/Land'"), "22023");
  EXPECT_EQ(client.one("show timezone"), "UTC");
  client.run("begin");
  client.run("set extra_float_digits = 3");
  client.run("rollback");
  EXPECT_EQ(client.one("show extra_float_digits"), "1");
  EXPECT_EQ(client.one("select set_config('extra_float_digits', '2', false)"), "2");
  EXPECT_EQ(client.one("select current_setting('extra_float_digits')"), "2");
  EXPECT_EQ(client.one("select setting from pg_settings where name = 'extra_float_digits'"), "2");
  EXPECT_EQ(client.one("select current_setting('nosuch', true) is null"), "true");
  EXPECT_EQ(client.one("show nosuch"), "42704");
  EXPECT_EQ(client.one("discard all"), "DISCARD ALL");
  EXPECT_EQ(client.one("show extra_float_digits"), "1");
}

TEST_F(SessionTest, WaitsForAPositionOnce) {
  world.status.visible.update([](Lsn& lsn) { lsn = Lsn{0x100}; });
  client.run("set freshet.wait_for_lsn = '0/100'");
  EXPECT_EQ(client.one("select 1"), "1");
  client.run("set freshet.wait_timeout = '10ms'");
  client.run("set freshet.wait_for_lsn = '0/101'");
  EXPECT_EQ(client.one("select 1"), "55000");
  EXPECT_EQ(client.one("select 1"), "1");
  EXPECT_EQ(client.one("set freshet.wait_for_lsn = 'soon'"), "22023");
}

TEST_F(SessionTest, StopsAStatementWhenAsked) {
  auto answer = std::async(std::launch::async, [&] {
    return client.one(
        "select count(*) from numbers a, numbers b, numbers c where a.id + b.id > c.id");
  });
  while (answer.wait_for(std::chrono::milliseconds(20)) != std::future_status::ready)
    client.session->cancel();
  EXPECT_EQ(answer.get(), "57014");
  EXPECT_EQ(client.last_error.message, "canceling statement due to user request");
  client.session->cancel();  // between statements: for nobody
  EXPECT_EQ(client.one("select 1"), "1");
}

TEST_F(SessionTest, StopsAStatementAtItsTimeout) {
  client.run("set statement_timeout = '50ms'");
  EXPECT_EQ(
      client.one("select count(*) from numbers a, numbers b, numbers c where a.id + b.id > c.id"),
      "57014");
  EXPECT_EQ(client.last_error.message, "canceling statement due to statement timeout");
  EXPECT_EQ(client.one("select 1"), "1");
}

TEST_F(SessionTest, ShowsItsOwnRelations) {
  EXPECT_EQ(
      client.one("select state, applied_lsn, lag_ms from freshet.tables where name = 'orders'"),
      "live|0/5A3F1C8|2");
  EXPECT_EQ(client.one("select name from freshet.sources"), "shop");
  EXPECT_EQ(client.one("select phase from freshet.progress"), "copying");
}

TEST_F(SessionTest, ListsCollectionsInTheCatalogs) {
  EXPECT_EQ(client.run("select relname, relkind from pg_class c join pg_namespace n on n.oid = "
                       "relnamespace where nspname = 'public' order by 1"),
            (Lines{"numbers|r", "numbers_pkey|i", "orders|r", "orders_pkey|i", "SELECT 4"}));
  EXPECT_EQ(client.run("select column_name, data_type, is_nullable from information_schema.columns "
                       "where table_name = 'orders' order by ordinal_position"),
            (Lines{"id|bigint|NO", "name|character varying|NO", "total|numeric|YES",
                   "placed|timestamp with time zone|YES", "tags|ARRAY|YES", "SELECT 5"}));
  EXPECT_EQ(client.one("select format_type(atttypid, atttypmod) from pg_attribute where attrelid = "
                       "'orders'::regclass and attname = 'total'"),
            "numeric(12,2)");
  EXPECT_EQ(client.one("select oid::regclass from pg_class where relname = 'orders'"), "orders");
  EXPECT_EQ(client.one("select 'nosuch'::regclass"), "42P01");
}

TEST(SystemRelations, SurviveARestart) {
  ScratchWorld world(10);
  collection::must(register_system_relations(world.store(), world.status));
  world.scratch.reopen();
  collection::must(register_system_relations(world.store(), world.status));
  Client client(world);
  EXPECT_EQ(client.one("select relname from pg_catalog.pg_class where relname ~ 'order' limit 1"),
            "orders");
  EXPECT_EQ(client.one("select count(*) from orders"), "3");
}

TEST_F(SessionTest, ExplainsInLines) {
  EXPECT_EQ(client.run("explain select * from orders").back(), "EXPLAIN");
}

}  // namespace
}  // namespace freshet::query
