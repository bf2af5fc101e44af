#include "cli/demo_screen.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace freshet::cli {

namespace {

// At most `columns` characters; bytes that continue a UTF-8 character do not count.
std::string_view cut(std::string_view line, std::size_t columns) {
  std::size_t seen = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool continues = (static_cast<unsigned char>(line[i]) & 0xC0) == 0x80;
    if (!continues && seen++ == columns) return line.substr(0, i);
  }
  return line;
}

}  // namespace

Screen::Options Screen::options_of_stdout() {
  Options options;
  options.terminal = ::isatty(STDOUT_FILENO) == 1;
  winsize size{};
  if (options.terminal && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    options.columns = size.ws_col;
    options.rows = size.ws_row;
  }
  return options;
}

Screen::Screen(Options options, std::function<void(std::string_view)> write)
    : options_(options), write_(std::move(write)) {}

void Screen::say(std::string_view line) {
  const auto block = std::exchange(block_, {});
  if (!block.empty()) write_(fmt::format("\033[{}A\033[J", block.size()));
  write_(fmt::format("{}\n", line));
  if (!block.empty()) draw(block);
}

void Screen::show(const std::vector<std::string>& block) {
  if (!options_.terminal) {
    for (const std::string& line : block) write_(line + "\n");
    return;
  }
  if (!block_.empty()) write_(fmt::format("\033[{}A\033[J", block_.size()));
  draw(block);
}

void Screen::draw(const std::vector<std::string>& block) {
  // One row stays free for the cursor.
  const std::size_t rows_max = std::max<std::size_t>(options_.rows, 2) - 1;
  block_.assign(block.begin(),
                block.begin() + static_cast<std::ptrdiff_t>(std::min(block.size(), rows_max)));
  std::string text;
  for (const std::string& line : block_) text += fmt::format("{}\n", cut(line, options_.columns));
  write_(text);
}

}  // namespace freshet::cli
