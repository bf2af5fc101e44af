#include "observe/log.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <thread>
#include <vector>

namespace freshet::observe {
namespace {

namespace fs = std::filesystem;

// Logs to a file of its own; lines() reads it back.
class Log : public testing::Test {
 protected:
  Log() {
    std::string folder = (fs::temp_directory_path() / "freshet_log_XXXXXX").string();
    folder_ = mkdtemp(folder.data());
    start_logging(Level::Info, file());
  }
  ~Log() override {
    start_logging(Level::Info);
    fs::remove_all(folder_);
  }
  std::string file() const { return (folder_ / "freshet.log").string(); }
  std::vector<std::string> lines() const {
    std::ifstream in(file());
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
  }
  // The line without its time.
  std::string only_line() const {
    const auto all = lines();
    return all.size() == 1 ? all[0].substr(all[0].find(' ') + 1) : "not one line";
  }

  fs::path folder_;
};

TEST_F(Log, WritesOneLineWithTimeLevelEventAndFields) {
  info("snapshot finished", {{"table", "public.orders"}, {"rows", 12}, {"resumed", false}});
  ASSERT_EQ(lines().size(), 1u);
  EXPECT_TRUE(std::regex_match(
      lines()[0], std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info snapshot finished )"
                             R"(table=public\.orders rows=12 resumed=false)")))
      << lines()[0];
}

TEST_F(Log, QuotesValuesThatHaveSpacesOrAreEmpty) {
  warn("slot in use", {{"reason", "held by pid 7"}, {"hint", ""}});
  EXPECT_EQ(only_line(), R"(warn slot in use reason="held by pid 7" hint="")");
}

TEST_F(Log, KeepsAnEventOnOneLineWhateverAValueContains) {
  error("query failed", {{"reason", "a\nb\t\"c\"\\d"}});
  EXPECT_EQ(only_line(), R"(error query failed reason="a\nb\x09\"c\"\\d")");
}

TEST_F(Log, TakesBracesLiterally) {
  info("{} {0}", {{"value", "{:d}"}});
  EXPECT_EQ(only_line(), "info {} {0} value={:d}");
}

TEST_F(Log, LeavesOutWhatIsBelowTheLevel) {
  debug("hidden");
  EXPECT_TRUE(lines().empty());
  start_logging(Level::Debug, file());
  debug("shown");
  EXPECT_EQ(only_line(), "debug shown");
}

TEST_F(Log, KeepsLinesOfManyThreadsWhole) {
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([] {
        for (int i = 0; i < 250; ++i) info("applied", {{"text", std::string(100, 'x')}});
      });
    }
  }
  const std::string end = "info applied text=" + std::string(100, 'x');
  ASSERT_EQ(lines().size(), 1000u);
  for (const std::string& line : lines()) EXPECT_TRUE(line.ends_with(end)) << line;
}

TEST_F(Log, GoesOnWithoutAFileItCannotWrite) {
  start_logging(Level::Info, "/proc/no-such-folder/freshet.log");
  info("still here");
  EXPECT_TRUE(lines().empty());
}

}  // namespace
}  // namespace freshet::observe
