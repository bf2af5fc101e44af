// One line that says how far things are: redrawn in place on a terminal, repeated only when
// something has changed in a log file.
#pragma once

#include <chrono>
#include <string>

#include "query/status.h"

namespace freshet::cli {

class ProgressLine {
 public:
  explicit ProgressLine(bool terminal) : terminal_(terminal) {}

  void show(const query::Status& status);
  void print(const std::string& text);  // a whole line, above the live one
  void finish();                        // leaves the live line and the terminal as they should be

 private:
  bool terminal_;
  bool drawn_ = false;
  std::string last_;  // what was printed last, without numbers that always change
  std::chrono::steady_clock::time_point printed_{};
};

// "copying 12 tables, 48.2 M rows  ████░░  71 %  1.1 M rows/s  about 13 s left", "live: 12 tables,
// 2 ms behind"; the second string says the same without the numbers that change all the time.
struct Summary {
  std::string text;
  std::string kind;
};
Summary summarize(const query::Status& status);

}  // namespace freshet::cli
