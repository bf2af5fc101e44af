// A child process that may run as another user and dies with us. For scratch servers only.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace freshet::postgres {

struct ChildOptions {
  std::vector<std::string> command;  // command[0] is a path
  std::filesystem::path output;      // stdout and stderr are appended here
  std::string user;                  // run as this user; empty: as we are
};

// The child gets SIGQUIT when the thread that called this ends.
Result<pid_t> start_child(const ChildOptions& options);

// The exit status as waitpid gives it; nothing when it still runs after `limit`.
std::optional<int> wait_for_child(pid_t child, std::chrono::milliseconds limit);

// Gives a file or folder to `user`; nothing to do when that is empty.
Result<> give_to(const std::filesystem::path& path, const std::string& user);

}  // namespace freshet::postgres
