// Where the demo is seen: lines that stay, and below them a block that changes. On a terminal the
// block is drawn again in place; anywhere else (a pipe, a log file) it is simply printed.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace freshet::cli {

class Screen {
 public:
  struct Options {
    bool terminal = false;
    std::size_t columns =
        100;                // longer lines of the block are cut: a wrapped one would stay behind
    std::size_t rows = 40;  // a block that does not fit is cut too
  };
  // What standard output is.
  static Options options_of_stdout();

  Screen(Options options, std::function<void(std::string_view)> write);

  void say(std::string_view line);                   // stays, above the block
  void show(const std::vector<std::string>& block);  // replaces the block shown before
  void settle() { block_.clear(); }                  // the block stays; what comes goes below
  bool terminal() const { return options_.terminal; }

 private:
  void draw(const std::vector<std::string>& block);

  Options options_;
  std::function<void(std::string_view)> write_;
  std::vector<std::string> block_;  // on the terminal now
};

}  // namespace freshet::cli
