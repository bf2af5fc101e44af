// Statements over real sockets: they run beside everything else, and end with their client or the
// server.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "http/fake_commands.h"
#include "http/fake_status.h"
#include "http/server.h"
#include "http/test_client.h"

namespace freshet::http {
namespace {

std::string post(std::string_view sql, std::string_view headers = "Host: localhost\r\n") {
  const std::string body = "{\"sql\": \"" + std::string(sql) + "\"}";
  return "POST /v1/statements HTTP/1.1\r\n" + std::string(headers) +
         "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

constexpr std::string_view create =
    "CREATE COLLECTION paid FROM orders AS SELECT id FROM _input WHERE paid";
constexpr std::string_view health = "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n";

class ServerStatements : public testing::Test {
 protected:
  ServerStatements() {
    query::TableStatus orders;
    orders.source = "shop";
    orders.schema = "public";
    orders.name = "orders";
    status_.all_tables = {orders};
  }
  void start(ServerOptions options = {}) {
    options.port = 0;
    auto started = Server::start(options, status_, commands_);
    ASSERT_TRUE(started.ok()) << started.error().message;
    server_ = std::move(*started);
  }
  std::string ask(std::string_view request) const {
    Client client(server_->port());
    client.send(request);
    return client.response();
  }

  FakeStatus status_;
  FakeCommands commands_;
  std::unique_ptr<Server> server_;
};

TEST_F(ServerStatements, AreRunAndAnswered) {
  start();
  const std::string got = ask(post(create));
  EXPECT_TRUE(got.starts_with("HTTP/1.1 200 OK\r\n")) << got;
  EXPECT_TRUE(
      got.ends_with("\r\n\r\n{\"command\":\"CREATE COLLECTION\",\"source\":\"shop\","
                    "\"collection\":\"public.paid\",\"notices\":[]}\n"))
      << got;
  const auto asked = commands_.state.get().asked;
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(std::get<query::CreateCollection>(asked.front()).table.text, "orders");
}

TEST_F(ServerStatements, FailWithTheirReason) {
  start();
  EXPECT_TRUE(ask(post("CREATE COLLECTION x")).starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(ask(post("SELECT 1")).starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(ask(post("DROP COLLECTION nothing")).starts_with("HTTP/1.1 404 "));
  commands_.state.with(
      [](auto& now) { now.failure = Error{.sqlstate = "42P07", .message = "collection exists"}; });
  const std::string got = ask(post(create));
  EXPECT_TRUE(got.starts_with("HTTP/1.1 409 ")) << got;
  EXPECT_NE(got.find("\"sqlstate\":\"42P07\""), std::string::npos);
}

TEST_F(ServerStatements, AreRefusedWithTwoHosts) {
  start();
  const std::string got = ask(post(create, "Host: localhost\r\nHost: evil.example\r\n"));
  EXPECT_TRUE(got.starts_with("HTTP/1.1 403 ")) << got;
  EXPECT_TRUE(commands_.state.get().asked.empty());
}

TEST_F(ServerStatements, ComeOneAfterTheOtherOnAConnection) {
  start();
  Client client(server_->port());
  client.send(post(create) + std::string(health) + post("DROP COLLECTION orders"));
  EXPECT_NE(client.response().find("CREATE COLLECTION"), std::string::npos);
  EXPECT_TRUE(client.response().ends_with("live\n"));
  EXPECT_NE(client.response().find("DROP COLLECTION"), std::string::npos);
}

TEST_F(ServerStatements, AreAskedForWhenTheirClientWaitsForThat) {
  start();
  const std::string request = post(create, "Host: localhost\r\nExpect: 100-continue\r\n");
  const std::size_t head = request.find("\r\n\r\n") + 4;
  Client client(server_->port());
  client.send(request.substr(0, head));
  EXPECT_EQ(client.response(false), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send(request.substr(head));
  EXPECT_TRUE(client.response().starts_with("HTTP/1.1 200 "));
}

TEST_F(ServerStatements, HoldUpNothingElse) {
  start();
  commands_.hold(true);
  Client slow(server_->port());
  slow.send(post(create));
  ASSERT_TRUE(commands_.wait_asked(1));
  EXPECT_TRUE(ask(health).ends_with("live\n"));
  commands_.hold(false);
  EXPECT_TRUE(slow.response().starts_with("HTTP/1.1 200 "));
}

TEST_F(ServerStatements, AreStoppedWhenTheirClientLeaves) {
  start();
  commands_.hold(true);
  auto leaving = std::make_unique<Client>(server_->port());
  leaving->send(post(create));
  ASSERT_TRUE(commands_.wait_asked(1));
  leaving.reset();
  EXPECT_TRUE(commands_.wait_stopped(1));
}

TEST_F(ServerStatements, AreRefusedWhenThereAreTooMany) {
  start({.statements_max = 1, .statements_waiting_max = 1});
  commands_.hold(true);
  Client runs(server_->port());
  runs.send(post(create));
  ASSERT_TRUE(commands_.wait_asked(1));
  Client waits(server_->port());
  waits.send(post(create));
  constexpr std::string_view metrics = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
  while (ask(metrics).find("\nfreshet_http_statements 2\n") == std::string::npos) {
  }
  const std::string got = ask(post(create));
  EXPECT_TRUE(got.starts_with("HTTP/1.1 503 ")) << got;
  EXPECT_NE(got.find("\"sqlstate\":\"53300\""), std::string::npos) << got;
  commands_.hold(false);
  EXPECT_TRUE(runs.response().starts_with("HTTP/1.1 200 "));
  EXPECT_TRUE(waits.response().starts_with("HTTP/1.1 200 "));
}

TEST_F(ServerStatements, AreStoppedAndToldWhenTheServerStops) {
  start({.statements_max = 1});
  commands_.hold(true);
  Client runs(server_->port());
  runs.send(post(create));
  ASSERT_TRUE(commands_.wait_asked(1));
  server_->stop();
  const std::string got = runs.rest();
  EXPECT_TRUE(got.starts_with("HTTP/1.1 503 ")) << got;
  EXPECT_NE(got.find("\"sqlstate\":\"57P01\""), std::string::npos) << got;
  EXPECT_EQ(commands_.state.get().stopped, 1);
}

TEST_F(ServerStatements, ThatAreTooLongAreToldSo) {
  start();
  const std::string got = ask(post(std::string(5 << 20, 'x')));
  EXPECT_TRUE(got.starts_with("HTTP/1.1 413 ")) << got;
  EXPECT_NE(got.find("262144 bytes"), std::string::npos) << got;
}

}  // namespace
}  // namespace freshet::http
