#include "base/failpoint.h"

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <string>
#include <thread>

namespace freshet {
namespace {

class Failpoint : public testing::Test {
 protected:
  ~Failpoint() override { failpoint::armed = false; }
};

Result<> arm(const char* setting) {
  return arm_failpoints(setting, testing::TempDir());
}

Result<> work() {
  FAILPOINT("test.work");
  return {};
}

std::string failures(int calls) {
  std::string pattern;
  for (int i = 0; i < calls; ++i) pattern += work().ok() ? '.' : '#';
  return pattern;
}

TEST_F(Failpoint, IsNothingUntilItIsArmed) {
  EXPECT_EQ(failures(3), "...");
}

TEST_F(Failpoint, FailsAtTheFirstHitUnlessToldOtherwise) {
  ASSERT_TRUE(arm("test.work:eio").ok());
  EXPECT_EQ(failures(3), "#..");
}

TEST_F(Failpoint, FailsAtTheHitsAskedFor) {
  ASSERT_TRUE(arm("test.work:enospc:2:3").ok());
  EXPECT_EQ(failures(6), ".###..");
}

TEST_F(Failpoint, CanFailForEver) {
  ASSERT_TRUE(arm("test.work:enospc:2:18446744073709551615").ok());
  EXPECT_EQ(failures(5), ".####");
}

TEST_F(Failpoint, FailsAsTheDiskWould) {
  ASSERT_TRUE(arm("test.work:enospc").ok());
  const Result<> full = work();
  ASSERT_FALSE(full.ok());
  EXPECT_EQ(full.error().sqlstate, "53100");
  EXPECT_EQ(full.error().fault, Fault::Transient);
  ASSERT_TRUE(arm("test.work:eio").ok());
  const Result<> broken = work();
  ASSERT_FALSE(broken.ok());
  EXPECT_EQ(broken.error().sqlstate, "58030");
}

TEST_F(Failpoint, LeavesOtherPlacesAlone) {
  ASSERT_TRUE(arm("test.elsewhere:kill").ok());
  EXPECT_EQ(failures(3), "...");
}

TEST_F(Failpoint, ArmsSeveral) {
  ASSERT_TRUE(arm("test.elsewhere:kill,test.work:eio:1,test.work:eio:3").ok());
  EXPECT_EQ(failures(4), "#.#.");
}

TEST_F(Failpoint, PausesUntilItsFileIsRemoved) {
  const std::filesystem::path mark = std::filesystem::path(testing::TempDir()) / "test.work";
  std::filesystem::remove(mark);
  ASSERT_TRUE(arm("test.work:pause").ok());
  std::atomic<bool> done{false};
  std::jthread worker([&] { done = work().ok(); });
  while (!std::filesystem::exists(mark)) std::this_thread::yield();
  EXPECT_FALSE(done);
  std::filesystem::remove(mark);
  worker.join();
  EXPECT_TRUE(done);
}

TEST_F(Failpoint, Kills) {
  EXPECT_EXIT(
      {
        ignore(arm("test.work:kill:2"));
        ignore(work());
        ignore(work());
      },
      testing::KilledBySignal(SIGKILL), "");
}

TEST_F(Failpoint, RefusesWhatItDoesNotUnderstand) {
  for (const char* setting :
       {"", "test.work", ":kill", "test.work:explode", "test.work:kill:0", "test.work:kill:x",
        "test.work:kill:1:", "test.work:kill:1:1:1", "test.work:kill,"}) {
    const Result<> armed = arm(setting);
    ASSERT_FALSE(armed.ok()) << setting;
    EXPECT_EQ(armed.error().sqlstate, "22023");
  }
}

}  // namespace
}  // namespace freshet
