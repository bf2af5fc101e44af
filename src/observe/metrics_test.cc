#include "observe/metrics.h"

#include <gtest/gtest.h>

#include <sstream>
#include <thread>
#include <vector>

namespace freshet::observe {
namespace {

// What the text says of one series; -1 when it is absent.
double value_of(const std::string& series) {
  std::istringstream text(metrics_text());
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with(series + " ")) return std::stod(line.substr(series.size() + 1));
  }
  return -1;
}

TEST(Metrics, CountsUpByAnyAmount) {
  Counter& rows = counter("freshet_test_rows_total", "Rows.");
  rows.add();
  rows.add(41);
  EXPECT_EQ(value_of("freshet_test_rows_total"), 42);
}

TEST(Metrics, ShowsTheLastValueOfAGauge) {
  Gauge& lag = gauge("freshet_test_lag_seconds", "Lag.", {{"source", "shop"}});
  lag.set(2.5);
  lag.set(0.5);
  EXPECT_EQ(value_of(R"(freshet_test_lag_seconds{source="shop"})"), 0.5);
}

TEST(Metrics, FindsTheSameCounterByNameAndLabels) {
  Counter& one = counter("freshet_test_found_total", "Found.", {{"table", "a"}});
  Counter& other = counter("freshet_test_found_total", "Found.", {{"table", "b"}});
  EXPECT_EQ(&one, &counter("freshet_test_found_total", "Found.", {{"table", "a"}}));
  EXPECT_NE(&one, &other);
}

TEST(Metrics, SaysHelpAndTypeOfEachName) {
  counter("freshet_test_typed_total", "Counts what is typed.");
  const std::string text = metrics_text();
  EXPECT_NE(text.find("# HELP freshet_test_typed_total Counts what is typed.\n"), text.npos);
  EXPECT_NE(text.find("# TYPE freshet_test_typed_total counter\n"), text.npos);
}

TEST(Metrics, EscapesLabelValues) {
  gauge("freshet_test_escaped", "Escaped.", {{"table", "a\"b\\c\nd"}}).set(1);
  EXPECT_EQ(value_of(R"(freshet_test_escaped{table="a\"b\\c\nd"})"), 1);
}

TEST(Metrics, LosesNoCountOfManyThreads) {
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([] {
        for (int i = 0; i < 1000; ++i) counter("freshet_test_threads_total", "Threads.").add();
      });
    }
    metrics_text();
  }
  EXPECT_EQ(value_of("freshet_test_threads_total"), 4000);
}

TEST(Metrics, TellWhatTheProcessTakes) {
  EXPECT_GT(value_of("process_resident_memory_bytes"), 1e6);
  EXPECT_GT(value_of("process_cpu_seconds_total"), 0);
  EXPECT_GE(value_of("process_open_fds"), 3);
  EXPECT_GE(value_of("process_threads"), 1);
}

TEST(MetricsDeathTest, RefusesANameThatIsBothCounterAndGauge) {
  counter("freshet_test_both", "Both.");
  EXPECT_DEATH(gauge("freshet_test_both", "Both."), "a promise was broken");
}

}  // namespace
}  // namespace freshet::observe
