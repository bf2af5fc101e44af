#include "http/server.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "http/fake_commands.h"
#include "http/fake_status.h"
#include "http/test_client.h"

namespace freshet::http {
namespace {

using std::chrono::milliseconds;

class ServerTest : public testing::Test {
 protected:
  void start(ServerOptions options = {}) {
    options.port = 0;
    options.sql_address = "postgresql://127.0.0.1:5433/freshet";
    auto started = Server::start(options, status_, commands_);
    ASSERT_TRUE(started.ok()) << started.error().message;
    server_ = std::move(*started);
  }
  std::string exchange(std::string_view request) const {
    Client client(server_->port());
    client.send(request);
    return client.rest();
  }

  FakeStatus status_;
  FakeCommands commands_;
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, AnswersAndHangsUpWhenAsked) {
  start();
  const std::string got =
      exchange("GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(got.starts_with("HTTP/1.1 200 OK\r\n")) << got;
  EXPECT_TRUE(got.ends_with("\r\n\r\nlive\n")) << got;
  EXPECT_NE(got.find("Content-Type: text/plain; charset=utf-8\r\n"), std::string::npos);
  EXPECT_NE(got.find("Content-Length: 5\r\n"), std::string::npos);
}

TEST_F(ServerTest, PassesTheAcceptHeaderOn) {
  start();
  status_.reasons = {"copying"};
  const std::string got = exchange(
      "GET /health/ready HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\nConnection: "
      "close\r\n\r\n");
  EXPECT_TRUE(got.starts_with("HTTP/1.1 503 ")) << got;
  EXPECT_TRUE(got.ends_with("{\"status\":\"not ready\",\"reasons\":[\"copying\"]}\n")) << got;
}

TEST_F(ServerTest, KeepsAConnectionForManyRequests) {
  start();
  Client client(server_->port());
  for (int i = 0; i < 3; ++i) {
    client.send("GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE(client.response().ends_with("live\n"));
  }
}

TEST_F(ServerTest, AnswersRequestsSentAtOnceInOrder) {
  start();
  Client client(server_->port());
  client.send(
      "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
      "GET /health/ready HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(client.response().ends_with("live\n"));
  EXPECT_TRUE(client.response().ends_with("\nready\n"));
}

TEST_F(ServerTest, SendsNoBodyForHead) {
  start();
  Client client(server_->port());
  client.send("HEAD /health/live HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_NE(client.response(false).find("Content-Length: 5\r\n"), std::string::npos);
  client.send("GET /health/ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(client.rest().starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_F(ServerTest, ServesOldClients) {
  start();
  EXPECT_TRUE(exchange("GET /health/live HTTP/1.0\r\n\r\n").ends_with("live\n"));
}

TEST_F(ServerTest, NamesTheMethodsItAllows) {
  start();
  const std::string got = exchange(
      "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi");
  EXPECT_TRUE(got.starts_with("HTTP/1.1 405 ")) << got;
  EXPECT_NE(got.find("Allow: GET, HEAD\r\n"), std::string::npos);
}

TEST_F(ServerTest, RefusesWhatIsNoHttp) {
  start();
  const std::string got = exchange(std::string("\0\0\0\x08\x04\xd2\x16\x2f\r\n\r\n", 12));
  EXPECT_TRUE(got.starts_with("HTTP/1.1 400 ")) << got;
}

TEST_F(ServerTest, RefusesAHeaderThatIsTooLarge) {
  start({.header_bytes_max = 1000});
  const std::string got =
      exchange("GET / HTTP/1.1\r\nHost: x\r\nCookie: " + std::string(2000, 'c'));
  EXPECT_TRUE(got.starts_with("HTTP/1.1 431 ")) << got;
}

TEST_F(ServerTest, RefusesABodyThatIsTooLarge) {
  start({.body_bytes_max = 1000});
  const std::string got = exchange("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n");
  EXPECT_TRUE(got.starts_with("HTTP/1.1 413 ")) << got;
}

TEST_F(ServerTest, RefusesConnectionsBeyondTheLimit) {
  start({.connections_max = 2});
  Client first(server_->port());
  Client second(server_->port());
  for (Client* client : {&first, &second}) {
    client->send("GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE(client->response().ends_with("live\n"));
  }
  EXPECT_EQ(server_->connections(), 2);
  EXPECT_TRUE(Client(server_->port()).rest().starts_with("HTTP/1.1 503 "));
}

TEST_F(ServerTest, HangsUpOnAnIdleClient) {
  start({.idle_timeout = milliseconds(20)});
  EXPECT_EQ(Client(server_->port()).rest(), "");
}

TEST_F(ServerTest, HangsUpOnARequestThatNeverEnds) {
  start({.request_timeout = milliseconds(20)});
  EXPECT_EQ(exchange("GET / HTTP/1.1\r\nHost:"), "");
}

TEST_F(ServerTest, ServesManyClientsAtOnce) {
  start();
  std::atomic<int> answered{0};
  {
    std::vector<std::jthread> clients;
    for (int c = 0; c < 8; ++c) {
      clients.emplace_back([&] {
        Client client(server_->port());
        for (int i = 0; i < 20; ++i) {
          client.send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
          if (client.response().ends_with("freshet_ready 1\n")) ++answered;
        }
      });
    }
  }
  EXPECT_EQ(answered, 160);
}

TEST_F(ServerTest, StopsWithClientsConnected) {
  start();
  Client idle(server_->port());
  Client unfinished(server_->port());
  unfinished.send("GET / HTTP/1.1\r\n");
  Client served(server_->port());
  served.send("GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n");
  served.response();
  const int port = server_->port();
  server_->stop();
  EXPECT_EQ(idle.rest(), "");
  EXPECT_EQ(unfinished.rest(), "");
  EXPECT_EQ(server_->connections(), 0);
  EXPECT_FALSE(Client(port).connected());
}

TEST_F(ServerTest, SaysWhenTheAddressIsTaken) {
  start();
  const auto second = Server::start({.port = server_->port()}, status_, commands_);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().sqlstate, "58030");
  EXPECT_NE(second.error().hint, "");
}

TEST_F(ServerTest, SaysWhenTheAddressIsNone) {
  EXPECT_FALSE(Server::start({.address = "not an address", .port = 0}, status_, commands_).ok());
}

}  // namespace
}  // namespace freshet::http
