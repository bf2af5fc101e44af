#include "cli/demo_traffic.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/thread.h"

namespace freshet::cli {

namespace {

// Orders move in the order they came; a few at once, as a warehouse does it.
constexpr auto ship_sql =
    "UPDATE orders SET status = 'shipped', updated_at = now() WHERE id IN "
    "(SELECT id FROM orders WHERE status = 'paid' ORDER BY id LIMIT 3)";
constexpr auto deliver_sql =
    "UPDATE orders SET status = 'delivered', updated_at = now(), delivery_date = current_date "
    "WHERE id IN (SELECT id FROM orders WHERE status = 'shipped' ORDER BY id LIMIT 3)";
// The newest unshipped order: the money goes back, the goods too.
constexpr auto cancel_sql = R"sql(
WITH cancelled AS (
  UPDATE orders SET status = 'cancelled', updated_at = now(), note = 'changed my mind'
  WHERE id = (SELECT id FROM orders WHERE status = 'paid' ORDER BY id DESC LIMIT 1)
  RETURNING id),
refunded AS (DELETE FROM payments USING cancelled WHERE order_id = cancelled.id)
UPDATE products SET stock = stock + quantity, updated_at = now()
FROM order_items JOIN cancelled ON order_items.order_id = cancelled.id
WHERE products.id = order_items.product_id)sql";
constexpr auto remove_sql =
    "DELETE FROM orders WHERE id = "
    "(SELECT id FROM orders WHERE status = 'cancelled' ORDER BY id LIMIT 1)";
constexpr auto restock_sql =
    "UPDATE products SET stock = stock + 100, updated_at = now() WHERE id IN "
    "(SELECT id FROM products ORDER BY stock LIMIT 5)";
constexpr auto price_sql =
    "UPDATE products SET price = round(price * (0.95 + 0.1 * random())::numeric, 2) + 0.01, "
    "updated_at = now() WHERE id = {}";
constexpr auto customer_sql =
    "INSERT INTO customers (name, email, city, country, tags, preferences) VALUES "
    "('New Customer {0}', 'new.customer{0}@example.com', 'Berlin', 'DE', ARRAY['new'], "
    "'{{\"language\": \"de\", \"gift_wrap\": false}}')";
constexpr auto buy_sql = R"sql(
WITH picked AS (
  SELECT row_number() OVER () AS line, products.id, price, quantity
  FROM products JOIN (VALUES {items}) AS basket (product_id, quantity)
    ON products.id = basket.product_id),
placed AS (
  INSERT INTO orders (customer_id, status, total)
  SELECT {customer}, 'paid', sum(price * quantity) FROM picked RETURNING id, total),
filled AS (
  INSERT INTO order_items (order_id, line, product_id, quantity, price)
  SELECT placed.id, line, picked.id, quantity, price FROM placed, picked),
taken AS (
  UPDATE products SET stock = stock - quantity, updated_at = now() FROM picked
  WHERE products.id = picked.id)
INSERT INTO payments (order_id, method, amount, card_last4)
SELECT id, 'card', total, '{card:04}' FROM placed)sql";

}  // namespace

Traffic::Traffic(std::unique_ptr<postgres::Connection> connection, ShopSize size, double rate)
    : connection_(std::move(connection)), size_(size), rate_(rate) {}

Traffic::~Traffic() {
  stop();
}

Result<std::unique_ptr<Traffic>> Traffic::start(const std::string& url, ShopSize size,
                                                double rate) {
  postgres::ConnectOptions options;
  options.application_name = "shop";
  auto connection = TRY(postgres::Connection::connect(url, options).context("open the shop"));
  TRY(connection->query("SET search_path = public").context("open the shop"));
  std::unique_ptr<Traffic> traffic(new Traffic(std::move(connection), size, rate));
  if (rate > 0) {
    Traffic* self = traffic.get();
    traffic->thread_ = std::jthread([self](std::stop_token stop) { self->run(stop); });
  }
  return traffic;
}

void Traffic::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void Traffic::run(std::stop_token stop) {
  name_this_thread("shop traffic");
  using Clock = std::chrono::steady_clock;
  constexpr auto tick = std::chrono::milliseconds(5);
  auto last = Clock::now();
  double due = 0;
  const auto never = [](bool) { return false; };
  while (!stop.stop_requested()) {
    const auto now = Clock::now();
    // What a slow server could not take within a second is not made up for.
    due = std::min(due + rate_ * std::chrono::duration<double>(now - last).count(),
                   std::max(rate_, 1.0));
    last = now;
    for (; due >= 1 && !stop.stop_requested(); due -= 1) {
      const Result<> done = transact();
      if (!done.ok()) {
        failure_.update([&](std::optional<Error>& failure) { failure = done.error(); });
        return;
      }
      transactions_.fetch_add(1, std::memory_order_relaxed);
    }
    pause_.wait_for(stop, tick, never);
  }
}

Result<> Traffic::transact() {
  const auto percent = std::uniform_int_distribution<int>(0, 99)(dice_);
  if (percent < 50) {
    TRY(connection_->query(buy()).context("buy"));
    bought_.fetch_add(1, std::memory_order_relaxed);
  } else if (percent < 66) {
    TRY(connection_->query(ship_sql).context("ship"));
  } else if (percent < 82) {
    TRY(connection_->query(deliver_sql).context("deliver"));
  } else if (percent < 88) {
    TRY(connection_->query(cancel_sql).context("cancel"));
  } else if (percent < 90) {
    TRY(connection_->query(remove_sql).context("remove a cancelled order"));
  } else if (percent < 94) {
    TRY(connection_->query(restock_sql).context("restock"));
  } else if (percent < 98) {
    const auto product = std::uniform_int_distribution<std::int64_t>(1, size_.products)(dice_);
    TRY(connection_->query(fmt::format(price_sql, product)).context("change a price"));
  } else {
    size_.customers += 1;
    TRY(connection_->query(fmt::format(customer_sql, size_.customers)).context("add a customer"));
  }
  return {};
}

// A basket of one to four different products; the first ones are the popular ones.
std::string Traffic::buy() {
  std::uniform_real_distribution<double> chance(0, 1);
  const auto lines = 1 + static_cast<int>(4 * chance(dice_) * chance(dice_));
  std::string items;
  const auto first = static_cast<std::int64_t>(chance(dice_) * chance(dice_) *
                                               static_cast<double>(size_.products));
  for (std::int64_t line = 0; line < lines; ++line) {
    const std::int64_t product = 1 + (first + 7 * line) % size_.products;
    const auto quantity = 1 + static_cast<int>(3 * chance(dice_) * chance(dice_));
    items += fmt::format("{}({}, {})", line == 0 ? "" : ", ", product, quantity);
  }
  const auto customer = std::uniform_int_distribution<std::int64_t>(1, size_.customers)(dice_);
  const auto card = std::uniform_int_distribution<int>(0, 9999)(dice_);
  return fmt::format(buy_sql, fmt::arg("items", items), fmt::arg("customer", customer),
                     fmt::arg("card", card));
}

}  // namespace freshet::cli
