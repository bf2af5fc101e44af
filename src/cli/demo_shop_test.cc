// The shop and its traffic on a real server, which the tests of this file share.
#include "cli/demo_shop.h"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <string>

#include "cli/demo_traffic.h"
#include "postgres/scratch_server.h"

namespace freshet::cli {

namespace {

using namespace std::chrono_literals;

constexpr std::int64_t orders = 2'000;

class Shop : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto started =
        postgres::ScratchServer::start({.folder = {}, .bin_folder = {}, .settings = {"fsync=off"}});
    ASSERT_TRUE(started.ok()) << started.error().message << started.error().detail;
    server = *std::move(started);
    fill("shop");
  }
  static void TearDownTestSuite() { server.reset(); }

  static std::unique_ptr<postgres::Connection> connect(const std::string& database) {
    auto connection = postgres::Connection::connect(server->url(database), {});
    EXPECT_TRUE(connection.ok() && (*connection)->query("SET search_path = public").ok());
    return *std::move(connection);
  }
  static void fill(const std::string& database) {
    ASSERT_TRUE(connect("postgres")->query("CREATE DATABASE " + database).ok());
    const auto filled = create_shop(*connect(database), shop_size(orders));
    ASSERT_TRUE(filled.ok()) << filled.error().message;
  }
  // One value, as text.
  static std::string ask(const std::string& sql, const std::string& database = "shop") {
    auto rows = connect(database)->query(sql);
    EXPECT_TRUE(rows.ok()) << rows.error().message;
    return rows.ok() ? rows->rows.at(0).at(0).value_or("null") : "";
  }
  static std::string imbalance() {
    return ask(
        "SELECT (SELECT sum(total) FROM orders WHERE status <> 'cancelled') = "
        "(SELECT sum(amount) FROM payments) AND NOT EXISTS (SELECT FROM orders o WHERE total <> "
        "(SELECT sum(quantity * price) FROM order_items WHERE order_id = o.id))");
  }

  static std::unique_ptr<postgres::ScratchServer> server;
};
std::unique_ptr<postgres::ScratchServer> Shop::server;

}  // namespace

TEST_F(Shop, HasAsManyRowsAsAskedFor) {
  const ShopSize size = shop_size(orders);
  EXPECT_EQ(ask("SELECT count(*) FROM orders"), std::to_string(orders));
  EXPECT_EQ(ask("SELECT count(*) FROM customers"), std::to_string(size.customers));
  EXPECT_EQ(ask("SELECT count(*) FROM products"), std::to_string(size.products));
  EXPECT_EQ(ask("SELECT count(*) >= 2000 FROM order_items"), "t");
  EXPECT_EQ(ask("SELECT count(DISTINCT status) FROM orders"), "4");
}

TEST_F(Shop, IsTheSameEachTime) {
  fill("shop_again");
  const auto print =
      "SELECT md5((SELECT string_agg(name || coalesce(preferences::text, ''), ',' ORDER BY id) "
      "FROM customers) || (SELECT string_agg(i::text, ',' ORDER BY order_id, line) "
      "FROM order_items i) || (SELECT string_agg(total::text, ',' ORDER BY id) FROM orders))";
  // The traffic of other tests may have changed the first one.
  fill("shop_third");
  EXPECT_EQ(ask(print, "shop_again"), ask(print, "shop_third"));
}

TEST_F(Shop, KeepsItsBooksInBalanceUnderTraffic) {
  EXPECT_EQ(imbalance(), "t");
  auto traffic = Traffic::start(server->url("shop"), shop_size(orders), 5'000);
  ASSERT_TRUE(traffic.ok()) << traffic.error().message;
  // The traffic is its own clock: ask the server until enough has happened.
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while ((*traffic)->transactions() < 1'000 && !(*traffic)->failure() &&
         std::chrono::steady_clock::now() < deadline) {
    ASSERT_EQ(imbalance(), "t");
  }
  (*traffic)->stop();
  if (const auto failure = (*traffic)->failure()) FAIL() << failure->message;
  EXPECT_GE((*traffic)->transactions(), 1'000U);
  EXPECT_GT((*traffic)->bought(), 300U);
  EXPECT_EQ(imbalance(), "t");
  EXPECT_EQ(ask("SELECT count(*) > 2000 FROM orders"), "t");
  EXPECT_EQ(ask("SELECT count(*) > 0 FROM customers WHERE name LIKE 'New Customer%'"), "t");
}

TEST_F(Shop, TrafficTellsWhenItsServerWentAway) {
  fill("shop_gone");
  auto traffic = Traffic::start(server->url("shop_gone"), shop_size(orders), 1'000);
  ASSERT_TRUE(traffic.ok()) << traffic.error().message;
  ask("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = 'shop_gone'",
      "shop");
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while (!(*traffic)->failure() && std::chrono::steady_clock::now() < deadline) {
    ask("SELECT 1");
  }
  EXPECT_TRUE((*traffic)->failure().has_value());
}

TEST_F(Shop, WithARateOfZeroNobodyComes) {
  auto traffic = Traffic::start(server->url("shop"), shop_size(orders), 0);
  ASSERT_TRUE(traffic.ok());
  (*traffic)->stop();
  EXPECT_EQ((*traffic)->transactions(), 0U);
}

}  // namespace freshet::cli
