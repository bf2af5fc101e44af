#include "engine/crew.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "engine/scratch_database.h"

namespace freshet::engine {
namespace {

// How long the crew's threads have had a processor, in nanoseconds; the kernel counts.
std::uint64_t crew_time() {
  std::uint64_t total = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name;
    std::ifstream(task.path() / "comm") >> name;
    std::uint64_t ran = 0;
    std::ifstream(task.path() / "schedstat") >> ran;
    if (name.starts_with("crew:")) total += ran;
  }
  return total;
}

TEST(Crew, TakesAShareOfAStatementThatTakesLong) {
  ScratchDatabase database({.threads = 3});
  database.run("CREATE TABLE store.main.t AS SELECT range n FROM range(3000000)");
  const std::uint64_t before = crew_time();
  EXPECT_EQ(database.text("SELECT count(DISTINCT n % 100000) FROM store.main.t"), "100000");
  constexpr std::uint64_t ten_milliseconds = 10'000'000;
  EXPECT_GT(crew_time() - before, ten_milliseconds);
}

TEST(Crew, HasNothingToDoWithSmallChanges) {
  ScratchDatabase database({.threads = 3});
  database.run("CREATE TABLE store.main.t (n BIGINT)");
  const std::uint64_t before = crew_time();
  for (int i = 0; i < 100; ++i) database.run("INSERT INTO store.main.t VALUES (1)");
  constexpr std::uint64_t a_millisecond = 1'000'000;  // to begin in
  EXPECT_LT(crew_time() - before, a_millisecond);
}

// On a machine with one core there is none.
TEST(Crew, CanBeAbsent) {
  ScratchDatabase database({.threads = 1});
  database.run("CREATE TABLE store.main.t AS SELECT range n FROM range(300000)");
  EXPECT_EQ(database.text("SELECT count(DISTINCT n) FROM store.main.t"), "300000");
}

}  // namespace
}  // namespace freshet::engine
