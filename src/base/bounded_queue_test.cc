#include "base/bounded_queue.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>

namespace freshet {
namespace {

TEST(BoundedQueue, HandsItemsOverInOrder) {
  BoundedQueue<int> queue(2);
  long sum = 0;
  {
    const std::jthread consumer([&](std::stop_token stop) {
      int expected = 0;
      while (const std::optional<int> item = queue.pop(stop)) {
        if (*item == expected++) sum += *item;
      }
    });
    for (int i = 0; i < 1000; ++i) EXPECT_TRUE(queue.push(i, {}));
    queue.close();
  }
  EXPECT_EQ(sum, 999 * 1000 / 2);
}

TEST(BoundedQueue, AFullQueueMakesThePusherWaitUntilStopped) {
  BoundedQueue<int> queue(1);
  EXPECT_TRUE(queue.push(1, {}));
  std::stop_source source;
  bool pushed = true;
  std::jthread pusher([&] { pushed = queue.push(2, source.get_token()); });
  source.request_stop();
  pusher.join();
  EXPECT_FALSE(pushed);
  EXPECT_EQ(queue.pop({}), 1);
}

TEST(BoundedQueue, AStopEndsTheWaitForAnItem) {
  BoundedQueue<std::unique_ptr<int>> queue(1);
  std::stop_source source;
  bool empty = false;
  std::jthread popper([&] { empty = !queue.pop(source.get_token()).has_value(); });
  source.request_stop();
  popper.join();
  EXPECT_TRUE(empty);
}

TEST(BoundedQueue, ClosedItTakesNothingButGivesWhatItHas) {
  BoundedQueue<int> queue(4);
  EXPECT_TRUE(queue.push(1, {}));
  queue.close();
  EXPECT_FALSE(queue.push(2, {}));
  EXPECT_EQ(queue.pop({}), 1);
  EXPECT_EQ(queue.pop({}), std::nullopt);
}

}  // namespace
}  // namespace freshet
