// Live traffic on the demo's shop: people buy, orders are shipped, delivered, cancelled and
// removed, stock comes in, prices change. One connection, one statement per transaction, at a
// steady rate.
//
// Every transaction keeps the books of demo_shop.h in balance, so that a reader who ever sees them
// out of balance has seen half a transaction.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <stop_token>
#include <string>
#include <thread>

#include "base/guarded.h"
#include "base/result.h"
#include "cli/demo_shop.h"
#include "postgres/connection.h"

namespace freshet::cli {

// Any thread may ask; its own thread works.
class Traffic {
 public:
  // Transactions per second; with 0 nobody comes.
  static Result<std::unique_ptr<Traffic>> start(const std::string& url, ShopSize size, double rate);
  ~Traffic();

  std::uint64_t transactions() const { return transactions_.load(std::memory_order_relaxed); }
  std::uint64_t bought() const { return bought_.load(std::memory_order_relaxed); }
  // Why it ended by itself, if it did.
  std::optional<Error> failure() const { return failure_.get(); }
  void stop();

 private:
  Traffic(std::unique_ptr<postgres::Connection> connection, ShopSize size, double rate);
  void run(std::stop_token stop);
  Result<> transact();
  std::string buy();

  std::unique_ptr<postgres::Connection> connection_;  // of the thread
  ShopSize size_;                                     // grows with what is added
  double rate_;
  std::mt19937_64 dice_{42};
  std::atomic<std::uint64_t> transactions_{0};
  std::atomic<std::uint64_t> bought_{0};
  Guarded<std::optional<Error>> failure_;
  Guarded<bool> pause_;  // never set: somewhere to wait
  std::jthread thread_;  // last: it ends before what it uses
};

}  // namespace freshet::cli
