// The shop of the demo: customers, products, orders, order_items and payments, made by the server
// itself out of generate_series and lists of names, so that 100,000 orders take seconds.
//
// The same numbers come out each time (but for the dates, which end now). It begins, and the
// traffic keeps it, with the books in balance: the totals of orders that are not cancelled are the
// payments.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "postgres/connection.h"

namespace freshet::cli {

// How much is in the shop, derived from the number of orders.
struct ShopSize {
  std::int64_t orders = 0;
  std::int64_t customers = 0;
  std::int64_t products = 0;
};
ShopSize shop_size(std::int64_t orders);

// In an empty database.
Result<> create_shop(postgres::Connection& connection, const ShopSize& size);

}  // namespace freshet::cli
