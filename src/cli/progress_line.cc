#include "cli/progress_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <optional>

#include "base/figures.h"

namespace freshet::cli {

namespace {

using namespace std::chrono_literals;

// Into a log file goes a line when the kind of work changes, and while copying one every so often.
constexpr auto repeat_interval = 5s;

std::string bar(double part) {
  constexpr int cells = 16;
  const int full = std::clamp(static_cast<int>(part * cells), 0, cells);
  std::string drawn;
  for (int i = 0; i < cells; ++i) drawn += i < full ? "█" : "░";
  return drawn;
}

// Whom the first table that waits for somebody waits for.
std::string waiting(const std::vector<query::ProgressStatus>& copies) {
  for (const query::ProgressStatus& copy : copies) {
    if (copy.phase == "waiting for slot") {
      return "waiting for the slot" + (copy.waiting_for.empty() ? "" : ": " + copy.waiting_for);
    }
    if (copy.phase == "waiting for lock" && !copy.waiting_for.empty()) {
      return fmt::format("{}.{} waits for a lock: {}", copy.schema, copy.name, copy.waiting_for);
    }
  }
  return {};
}

// The last tables are copied, and read what has changed since.
Summary summarize_catch_up(const std::vector<query::ProgressStatus>& copies) {
  double bytes = 0;
  double seconds = 0;
  for (const query::ProgressStatus& copy : copies) {
    // They read the same stream side by side.
    bytes = std::max(bytes, static_cast<double>(copy.bytes_left.value_or(0)));
    seconds = std::max(seconds, copy.seconds_left.value_or(0));
  }
  std::string text = fmt::format("catching up: {} table{}, {} of changes left", copies.size(),
                                 copies.size() == 1 ? "" : "s", short_bytes(bytes));
  if (seconds > 0) text += ", about " + short_time(seconds);
  return {text, fmt::format("catching up {}", copies.size())};
}

Summary summarize_copy(const std::vector<query::ProgressStatus>& copies) {
  if (std::ranges::all_of(copies, [](const auto& copy) { return copy.phase == "catching up"; })) {
    return summarize_catch_up(copies);
  }
  double rows = 0;
  double estimated = 0;
  double rate = 0;
  bool every_estimate = true;
  for (const query::ProgressStatus& copy : copies) {
    rows += static_cast<double>(copy.rows);
    rate += copy.phase == "copying" ? copy.rows_per_second : 0;
    if (copy.rows_estimated) {
      estimated += static_cast<double>(std::max(*copy.rows_estimated, copy.rows));
    } else {
      every_estimate = false;
    }
  }
  std::string text = fmt::format("copying {} table{}, {} rows", copies.size(),
                                 copies.size() == 1 ? "" : "s", short_number(rows));
  if (every_estimate && estimated > 0) {
    const double part = rows / estimated;
    text += fmt::format("  {}  {:.0f} %", bar(part), 100 * part);
  }
  if (rate > 0) {
    text += fmt::format("  {} rows/s", short_number(rate));
    if (every_estimate)
      text += fmt::format("  about {} left", short_time((estimated - rows) / rate));
  }
  const std::string whom = waiting(copies);
  if (!whom.empty()) text += "  (" + whom + ")";
  return {text, fmt::format("copying {} {}", copies.size(), whom)};
}

}  // namespace

Summary summarize(const query::Status& status) {
  const auto copies = status.progress();
  if (!copies.empty()) return summarize_copy(copies);
  std::size_t live = 0;
  std::size_t other = 0;
  std::size_t failed = 0;
  std::optional<std::int64_t> lag;
  for (const query::TableStatus& table : status.tables()) {
    if (table.state == "live") ++live;
    if (table.state == "failed") ++failed;
    if (table.state != "live" && table.state != "failed") ++other;
    if (table.lag_ms) lag = std::max(lag.value_or(0), *table.lag_ms);
  }
  std::string text = fmt::format("live: {} table{}", live, live == 1 ? "" : "s");
  if (lag) text += fmt::format(", {} behind", short_time(static_cast<double>(*lag) / 1e3));
  if (other > 0) text += fmt::format(", {} not yet live", other);
  if (failed > 0) text += fmt::format(", {} failed (see freshet.tables)", failed);
  for (const query::SourceStatus& source : status.sources()) {
    if (source.state == "starting" || source.state == "retrying" || source.state == "failed" ||
        source.state == "stale") {
      text += fmt::format(" · source {} {}", source.name, source.state);
    }
  }
  std::string kind = fmt::format("{} {} {}", live, other, failed);
  for (const query::SourceStatus& source : status.sources()) kind += " " + source.state;
  return {text, kind};
}

void ProgressLine::show(const query::Status& status) {
  const Summary summary = summarize(status);
  const auto now = std::chrono::steady_clock::now();
  if (terminal_) {
    std::fputs(("\r\033[K" + summary.text).c_str(), stdout);
    std::fflush(stdout);
    drawn_ = true;
    return;
  }
  const bool repeat = summary.kind.starts_with("copying") && now - printed_ > repeat_interval;
  if (summary.kind == last_ && !repeat) return;
  last_ = summary.kind;
  printed_ = now;
  std::fputs((summary.text + "\n").c_str(), stdout);
  std::fflush(stdout);
}

void ProgressLine::print(const std::string& text) {
  if (drawn_) std::fputs("\r\033[K", stdout);
  drawn_ = false;
  std::fputs((text + "\n").c_str(), stdout);
  std::fflush(stdout);
}

void ProgressLine::finish() {
  if (drawn_) std::fputs("\n", stdout);
  drawn_ = false;
  std::fflush(stdout);
}

}  // namespace freshet::cli
