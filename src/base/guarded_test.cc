#include "base/guarded.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace freshet {
namespace {

using namespace std::chrono_literals;

TEST(Guarded, ChangesOfManyThreadsAreNotLost) {
  Guarded<int> counter;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int j = 0; j < 1000; ++j) counter.with([](int& value) { ++value; });
      });
    }
  }
  EXPECT_EQ(counter.get(), 4000);
}

TEST(Guarded, AnUpdateWakesWhoWaitsForIt) {
  Guarded<std::string> name;
  bool seen = false;
  std::jthread waiter([&](std::stop_token stop) {
    seen = name.wait(stop, [](const std::string& value) { return value == "ready"; });
  });
  name.update([](std::string& value) { value = "ready"; });
  waiter.join();
  EXPECT_TRUE(seen);
}

TEST(Guarded, AWaitEndsWithItsTimeAndWithAStop) {
  const auto never = [](int value) { return value > 0; };
  Guarded<int> number(0);
  EXPECT_FALSE(number.wait_for({}, 1ms, never));
  std::stop_source source;
  source.request_stop();
  EXPECT_FALSE(number.wait(source.get_token(), never));
}

}  // namespace
}  // namespace freshet
