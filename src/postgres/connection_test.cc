#include "postgres/connection.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "base/file.h"
#include "postgres/shared_scratch_server.h"

namespace freshet::postgres {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

std::unique_ptr<Connection> connect(ConnectOptions options = {}) {
  auto connection = Connection::connect(shared_scratch_server().url(), options);
  return std::move(connection).value();
}

std::string one_value(Connection& connection, std::string_view sql) {
  const auto rows = connection.query(sql);
  if (!rows.ok()) return "error: " + rows.error().message;
  return rows->rows.at(0).at(0).value_or("null");
}

bool mentions(const Error& error, std::string_view text) {
  return (error.message + '\n' + error.detail + '\n' + error.hint).find(text) != std::string::npos;
}

TEST(Connection, ReturnsRowsAsTextWithNulls) {
  const auto connection = connect();
  const auto rows = connection->query("SELECT 1 AS a, NULL AS b, 'x' AS c");
  ASSERT_TRUE(rows.ok());
  EXPECT_EQ(rows->columns, (std::vector<std::string>{"a", "b", "c"}));
  const std::vector<std::optional<std::string>> expected{"1", std::nullopt, "x"};
  EXPECT_EQ(rows->rows.at(0), expected);
}

TEST(Connection, CancelsAStatementThatTakesTooLong) {
  const auto connection = connect();
  const auto late = connection->query("SELECT pg_sleep(60)", {}, milliseconds(20));
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().sqlstate, "57014");
  EXPECT_EQ(late.error().fault, Fault::Transient);
  EXPECT_EQ(late.error().message, "not done within 20 ms");
  EXPECT_EQ(one_value(*connection, "SELECT 'still here'"), "still here");
}

TEST(Connection, CancelsAStatementWhenAskedToStop) {
  const auto connection = connect();
  std::stop_source stop;
  stop.request_stop();
  const auto stopped =
      connection->query("SELECT pg_sleep(60)", stop.get_token(), milliseconds(60'000));
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().message, "stopped on request");
  const auto quick = connection->query("SELECT 1; SELECT 2", {}, milliseconds(60'000));
  ASSERT_TRUE(quick.ok());
}

TEST(Connection, PassesParametersAsText) {
  const auto connection = connect();
  const auto rows = connection->query("SELECT $1::int + 1, $2::text", {"41", std::nullopt});
  ASSERT_TRUE(rows.ok());
  EXPECT_EQ(rows->rows.at(0).at(0), "42");
  EXPECT_EQ(rows->rows.at(0).at(1), std::nullopt);
}

TEST(Connection, ReportsTheServersErrorWithPositionAndGoesOn) {
  const auto connection = connect();
  const auto failed = connection->query("SELECT nothing");
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().sqlstate, "42703");
  EXPECT_EQ(failed.error().fault, Fault::Permanent);
  EXPECT_EQ(failed.error().position, 8);
  EXPECT_EQ(one_value(*connection, "SELECT 7"), "7");
}

TEST(Connection, PinsSettingsAgainstThoseOfTheRole) {
  const auto admin = connect();
  ASSERT_TRUE(admin
                  ->query("CREATE ROLE odd LOGIN SUPERUSER;"
                          "ALTER ROLE odd SET datestyle = 'SQL, DMY';"
                          "ALTER ROLE odd SET bytea_output = 'escape';"
                          "ALTER ROLE odd SET extra_float_digits = 0;"
                          "ALTER ROLE odd SET intervalstyle = 'iso_8601';"
                          "ALTER ROLE odd SET timezone = 'America/New_York';"
                          "ALTER ROLE odd SET idle_session_timeout = '1s';"
                          "ALTER ROLE odd SET search_path = 'public';"
                          "ALTER ROLE odd SET client_encoding = 'LATIN1'")
                  .ok());
  std::string url = shared_scratch_server().url();
  url.replace(url.find("postgres@"), 9, "odd@");
  for (const bool replication : {false, true}) {
    const auto odd = Connection::connect(url, {.replication = replication});
    ASSERT_TRUE(odd.ok());
    const auto show = [&](const std::string& name) { return one_value(**odd, "SHOW " + name); };
    EXPECT_EQ(show("datestyle"), "ISO, MDY");
    EXPECT_EQ(show("bytea_output"), "hex");
    EXPECT_EQ(show("extra_float_digits"), "3");
    EXPECT_EQ(show("intervalstyle"), "postgres");
    EXPECT_EQ(show("timezone"), "UTC");
    EXPECT_EQ(show("idle_session_timeout"), "0");
    EXPECT_EQ(show("search_path"), "");
    EXPECT_EQ(show("client_encoding"), "UTF8");
    EXPECT_EQ(show("row_security"), "off");
  }
  ASSERT_TRUE(admin->query("DROP ROLE odd").ok());
}

TEST(Connection, KeepsTheOptionsOfTheUrlBesideOurs) {
  const auto connection = Connection::connect(
      shared_scratch_server().url() + "?options=-c%20work_mem%3D7MB%20-c%20timezone%3DJapan", {});
  ASSERT_TRUE(connection.ok());
  EXPECT_EQ(one_value(**connection, "SHOW work_mem"), "7MB");
  EXPECT_EQ(one_value(**connection, "SHOW timezone"), "UTC");
}

TEST(Connection, GivesUpALockAfterItsLimitAsATransientError) {
  const auto holder = connect();
  ASSERT_TRUE(holder->query("CREATE TABLE public.locked (i int)").ok());
  ASSERT_TRUE(holder->query("BEGIN; LOCK TABLE public.locked").ok());
  const auto waiter = connect({.lock_timeout = milliseconds(50)});
  const auto refused = waiter->query("SELECT * FROM public.locked");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().sqlstate, "55P03");
  EXPECT_EQ(refused.error().fault, Fault::Transient);
  ASSERT_TRUE(holder->query("COMMIT; DROP TABLE public.locked").ok());
}

TEST(Connection, TellsABrokenConnectionFromAFailedStatement) {
  const auto victim = connect();
  const auto admin = connect();
  ASSERT_TRUE(admin
                  ->query("SELECT pg_terminate_backend($1::int, 5000)",
                          {std::to_string(victim->backend_pid())})
                  .ok());
  const auto first = victim->query("SELECT 1");
  ASSERT_FALSE(first.ok());
  EXPECT_EQ(first.error().sqlstate, "57P01");
  EXPECT_EQ(first.error().fault, Fault::Transient);
  const auto second = victim->query("SELECT 1");
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().sqlstate, "08006");
  EXPECT_EQ(second.error().fault, Fault::Transient);
}

TEST(ConnectionCopyOut, HandsOverThePayloadsInOrder) {
  const auto connection = connect();
  std::string all;
  const auto copied = connection->copy_out("COPY (SELECT i FROM generate_series(1, 3) i) TO STDOUT",
                                           [&](Bytes payload) -> Result<> {
                                             all += as_text(payload);
                                             return {};
                                           },
                                           {});
  ASSERT_TRUE(copied.ok()) << copied.error().message;
  EXPECT_EQ(all, "1\n2\n3\n");
  EXPECT_EQ(one_value(*connection, "SELECT 1"), "1");
}

TEST(ConnectionCopyOut, ReportsAnErrorInTheMiddle) {
  const auto connection = connect();
  const auto copied =
      connection->copy_out("COPY (SELECT 1 / (1000 - i) FROM generate_series(1, 2000) i) TO STDOUT",
                           [](Bytes) -> Result<> { return {}; }, {});
  ASSERT_FALSE(copied.ok());
  EXPECT_EQ(copied.error().sqlstate, "22012");
  EXPECT_EQ(one_value(*connection, "SELECT 1"), "1");
}

TEST(ConnectionCopyOut, StopsWhenTheSinkFailsAndCanGoOn) {
  const auto connection = connect();
  int calls = 0;
  const auto copied =
      connection->copy_out("COPY (SELECT i FROM generate_series(1, 1000000) i) TO STDOUT",
                           [&](Bytes) -> Result<> {
                             if (++calls == 10)
                               return Error{.sqlstate = "53100", .message = "full"};
                             return {};
                           },
                           {});
  ASSERT_FALSE(copied.ok());
  EXPECT_EQ(copied.error().message, "full");
  EXPECT_EQ(calls, 10);
  EXPECT_EQ(one_value(*connection, "SELECT 1"), "1");
}

TEST(ConnectionCopyOut, EndsAtOnceWhenAskedToStop) {
  const auto connection = connect();
  std::stop_source stopping;
  // Sends a hundred rows, then nothing for a minute.
  const auto started = Clock::now();
  const auto copied = connection->copy_out(
      "COPY (SELECT pg_sleep(CASE WHEN i < 100 THEN 0 ELSE 60 END) || repeat('x', 100000) "
      "FROM generate_series(1, 100) i) TO STDOUT",
      [&](Bytes) -> Result<> {
        stopping.request_stop();
        return {};
      },
      stopping.get_token());
  ASSERT_FALSE(copied.ok());
  EXPECT_EQ(copied.error().sqlstate, "57014");
  EXPECT_LT(Clock::now() - started, std::chrono::seconds(30));
  EXPECT_EQ(one_value(*connection, "SELECT 1"), "1");
}

TEST(ConnectionCopyBoth, WaitsNoLongerThanToldAndStopsFromAnotherThread) {
  const auto connection = connect({.replication = true});
  ASSERT_TRUE(connection
                  ->query("CREATE_REPLICATION_SLOT waiting TEMPORARY LOGICAL pgoutput "
                          "NOEXPORT_SNAPSHOT")
                  .ok());
  ASSERT_TRUE(connection
                  ->start_copy_both("START_REPLICATION SLOT waiting LOGICAL 0/0 (proto_version "
                                    "'1', publication_names 'none')")
                  .ok());
  // Keepalives of the start; then silence.
  std::optional<Bytes> payload;
  do {
    payload = connection->read_copy({}, milliseconds(20)).value();
    if (payload) {
      EXPECT_EQ(static_cast<char>((*payload)[0]), 'k');
    }
  } while (payload);

  std::stop_source stopping;
  std::jthread stopper([&] { stopping.request_stop(); });
  const auto started = Clock::now();
  do {
    const auto read = connection->read_copy(stopping.get_token(), std::chrono::seconds(50));
    ASSERT_TRUE(read.ok()) << read.error().message;
  } while (!stopping.stop_requested());
  EXPECT_LT(Clock::now() - started, std::chrono::seconds(25));
  EXPECT_TRUE(connection->end_copy(std::chrono::seconds(5)).ok());
}

TEST(ConnectionCopyBoth, ReportsTheServersRefusal) {
  const auto connection = connect({.replication = true});
  const auto refused = connection->start_copy_both(
      "START_REPLICATION SLOT absent LOGICAL 0/0 (proto_version '1', publication_names 'p')");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().sqlstate, "42704");
}

TEST(ConnectionErrors, NameAClosedPort) {
  const auto refused = Connection::connect("postgresql://me:sesame@127.0.0.1:1/shop", {});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().sqlstate, "08001");
  EXPECT_EQ(refused.error().fault, Fault::Transient);
  EXPECT_TRUE(mentions(refused.error(), "connect to postgresql://me@127.0.0.1:1/shop"));
  EXPECT_TRUE(mentions(refused.error(), "Is the server running"));
  EXPECT_FALSE(mentions(refused.error(), "sesame"));
}

TEST(ConnectionErrors, NameAHostThatDoesNotExist) {
  const auto refused = Connection::connect("postgresql://me:sesame@no-such-host.invalid/shop", {});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().sqlstate, "08001");
  EXPECT_TRUE(mentions(refused.error(), "no-such-host.invalid"));
  EXPECT_FALSE(mentions(refused.error(), "sesame"));
}

TEST(ConnectionErrors, NameADatabaseThatDoesNotExist) {
  const auto refused = Connection::connect(shared_scratch_server().url("absent"), {});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().sqlstate, "3D000");
  EXPECT_EQ(refused.error().fault, Fault::Permanent);
  EXPECT_TRUE(mentions(refused.error(), "\"absent\" does not exist"));
}

TEST(ConnectionErrors, NameAWrongOrMissingPasswordWithoutShowingIt) {
  const auto admin = connect();
  ASSERT_TRUE(admin->query("CREATE ROLE guarded LOGIN PASSWORD 'open sesame'").ok());
  const std::filesystem::path file = shared_scratch_server().folder() / "data" / "pg_hba.conf";
  const std::string rules = read_text(file).value();
  std::ofstream(file) << "host all guarded 127.0.0.1/32 scram-sha-256\n" << rules;
  ASSERT_TRUE(admin->query("SELECT pg_reload_conf()").ok());
  const auto as_guarded = [](const std::string& password) {
    std::string url = shared_scratch_server().url();
    url.replace(url.find("postgres@"), 9, "guarded" + password + "@");
    return Connection::connect(url, {});
  };
  // The server reads its rules anew some time after it was told to.
  const auto deadline = Clock::now() + std::chrono::seconds(20);
  while (as_guarded("").ok() && Clock::now() < deadline) {
  }
  const auto missing = as_guarded("");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().sqlstate, "28P01");
  EXPECT_TRUE(mentions(missing.error(), "none was given"));
  const auto wrong = as_guarded(":iron%20sesame");
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().sqlstate, "28P01");
  EXPECT_EQ(wrong.error().fault, Fault::Permanent);
  EXPECT_TRUE(mentions(wrong.error(), "password authentication failed for user \"guarded\""));
  EXPECT_FALSE(mentions(wrong.error(), "sesame"));
  EXPECT_TRUE(as_guarded(":open%20sesame").ok());

  std::ofstream(file) << "host all guarded 127.0.0.1/32 reject\n" << rules;
  ASSERT_TRUE(admin->query("SELECT pg_reload_conf()").ok());
  while (as_guarded(":open%20sesame").ok() && Clock::now() < deadline) {
  }
  const auto rejected = as_guarded(":open%20sesame");
  ASSERT_FALSE(rejected.ok());
  EXPECT_EQ(rejected.error().sqlstate, "28000");
  EXPECT_TRUE(mentions(rejected.error(), "pg_hba.conf"));
  EXPECT_FALSE(mentions(rejected.error(), "open sesame"));
  std::ofstream(file) << rules;
  ASSERT_TRUE(admin->query("SELECT pg_reload_conf()").ok());
  ASSERT_TRUE(admin->query("DROP ROLE guarded").ok());
}

TEST(ConnectionErrors, EndAfterTheConnectTimeoutWhenNobodyAnswers) {
  // A listener whose backlog accepts the connection, and never says a word.
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(listener, 1), 0);
  ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const auto refused =
      Connection::connect(fmt::format("host=127.0.0.1 port={}", ntohs(address.sin_port)),
                          {.connect_timeout = std::chrono::seconds(1)});
  close(listener);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().fault, Fault::Transient);
  EXPECT_TRUE(mentions(refused.error(), "no answer within 1 s"));
}

TEST(ConnectionErrors, NeverShowThePasswordOfAMalformedString) {
  for (const std::string url :
       {"postgresql://me:sesame@open@host/db", "postgresql://me:ses/ame@host/db",
        "postgresql://me:sesame@[::1/db", "host=x password=open sesame",
        "postgresql://me:%zzsesame", "postgresql://me:ses#ame@host:99999/db",
        "postgresql://me:sesame@host/db?nonsense=1", "postgresql://me:ses?ame@host/db"}) {
    const auto refused = Connection::connect(url, {.connect_timeout = std::chrono::seconds(1)});
    ASSERT_FALSE(refused.ok()) << url;
    EXPECT_EQ(refused.error().sqlstate, "22023") << url;
    EXPECT_FALSE(mentions(refused.error(), "ses")) << refused.error().message;
    EXPECT_FALSE(mentions(refused.error(), "ame@")) << refused.error().message;
  }
}

TEST(ConnectionUrls, LoseTheirPassword) {
  EXPECT_EQ(without_password("postgresql://me:sesame@host:5433/shop?sslmode=require"),
            "postgresql://me@host:5433/shop");
  EXPECT_EQ(without_password("postgres://host"), "postgresql://host/");
  EXPECT_EQ(without_password("postgres://me:a%40b@[::1]:5/x"), "postgresql://me@[::1]:5/x");
  EXPECT_EQ(without_password("host=h password=sesame"), "password=*** host='h'");
  EXPECT_EQ(without_password("password=sesame host"), "(malformed connection string)");
}

TEST(ConnectionUrls, NameTheirDatabase) {
  EXPECT_EQ(database_name("postgresql://me@host/shop"), "shop");
  EXPECT_EQ(database_name("postgresql://me@host"), "me");
  EXPECT_EQ(database_name("host=h dbname='my shop'"), "my shop");
}

TEST(ConnectionQuoting, SurvivesEveryCharacter) {
  const auto connection = connect();
  const std::string text = "it's a \"back\\slash\" $1 ü";
  EXPECT_EQ(one_value(*connection, "SELECT " + literal(text)), text);
  const auto rows = connection->query("SELECT 1 AS " + postgres::quoted(text));
  ASSERT_TRUE(rows.ok());
  EXPECT_EQ(rows->columns.at(0), text);
}

}  // namespace
}  // namespace freshet::postgres
