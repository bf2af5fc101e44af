#include "base/failpoint.h"

#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <limits>
#include <list>
#include <string>
#include <system_error>
#include <vector>

#include "base/file.h"
#include "base/guarded.h"

namespace freshet {

namespace failpoint {
std::atomic<bool> armed{false};
}

namespace {

enum class Action { Kill, Fail, Pause };

struct Armed {
  std::string name{};
  Action action = Action::Kill;
  int error_number = 0;  // of Fail
  std::uint64_t first = 1;
  std::uint64_t last = 1;
  std::atomic<std::uint64_t> hits{0};
};

// Changed only before there are other threads. A list, because a counter cannot be moved.
std::list<Armed> all_armed;
std::filesystem::path pause_folder;

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t at; (at = text.find(separator)) != std::string_view::npos;) {
    parts.push_back(text.substr(0, at));
    text.remove_prefix(at + 1);
  }
  parts.push_back(text);
  return parts;
}

// False when it is no number above 0.
bool read_count(std::string_view text, std::uint64_t& count) {
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), count);
  return failed == std::errc() && end == text.data() + text.size() && count > 0;
}

bool read_action(std::string_view text, Armed& armed) {
  if (text == "enospc" || text == "eio") {
    armed.action = Action::Fail;
    armed.error_number = text == "eio" ? EIO : ENOSPC;
    return true;
  }
  armed.action = text == "pause" ? Action::Pause : Action::Kill;
  return text == "pause" || text == "kill";
}

// False when the text is not understood.
bool read_one(std::string_view text, Armed& armed) {
  const std::vector<std::string_view> parts = split(text, ':');
  if (parts.size() < 2 || parts.size() > 4 || parts[0].empty()) return false;
  armed.name = parts[0];
  std::uint64_t times = 1;
  if (!read_action(parts[1], armed)) return false;
  if (parts.size() > 2 && !read_count(parts[2], armed.first)) return false;
  if (parts.size() > 3 && !read_count(parts[3], times)) return false;
  constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();
  armed.last = times - 1 < never - armed.first ? armed.first + times - 1 : never;
  return true;
}

// Nothing the program does shall end it early. What cannot be made must not be waited for.
void pause(const std::string& name) {
  constexpr std::chrono::milliseconds interval{10};
  const std::filesystem::path mark = pause_folder / name;
  if (!File::open(mark, File::Mode::CreateNew).ok()) return;
  Guarded<bool> never;
  std::error_code failed;
  while (std::filesystem::exists(mark, failed)) {
    never.wait_for({}, interval, [](bool) { return false; });
  }
}

}  // namespace

Result<> arm_failpoints(std::string_view setting, const std::filesystem::path& folder) {
  all_armed.clear();
  pause_folder = folder;
  failpoint::armed = false;
  for (const std::string_view text : split(setting, ',')) {
    if (read_one(text, all_armed.emplace_back())) continue;
    return Error{.sqlstate = "22023",
                 .message = fmt::format("arm failpoint: '{}' is not understood", text),
                 .hint =
                     "FRESHET_FAILPOINT is for tests and looks like NAME:ACTION[:HIT[:TIMES]] "
                     "with the action kill, enospc, eio or pause. Unset it."};
  }
  failpoint::armed = true;
  return {};
}

int reached_failpoint(std::string_view name) {
  int error_number = 0;
  for (Armed& each : all_armed) {
    if (each.name != name) continue;
    const std::uint64_t hit = ++each.hits;
    if (hit < each.first || hit > each.last) continue;
    switch (each.action) {
      case Action::Kill: ::raise(SIGKILL); break;
      case Action::Pause: pause(each.name); break;
      case Action::Fail: error_number = each.error_number; break;
    }
  }
  return error_number;
}

Error failpoint_error(std::string_view name, int error_number) {
  return io_error("reach failpoint", name, error_number);
}

}  // namespace freshet
