#include "postgres/scratch_process.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>

#include "base/file.h"
#include "postgres/sqlstate.h"

namespace freshet::postgres {

namespace {

struct Identity {
  uid_t user;
  gid_t group;
};

Result<std::optional<Identity>> identity_of(const std::string& user) {
  if (user.empty()) return std::optional<Identity>{};
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> buffer(16 << 10);
  getpwnam_r(user.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (found == nullptr) {
    return Error{.sqlstate = sqlstate::system_error,
                 .message = fmt::format("there is no user {}", user),
                 .hint =
                     "PostgreSQL refuses to run as root; Debian's package `postgresql` creates "
                     "the user it runs as."};
  }
  return std::optional(Identity{entry.pw_uid, entry.pw_gid});
}

// In the child, between fork and exec: system calls only, because other threads' locks may be held.
[[noreturn]] void become(char* const* command, int output, pid_t parent,
                         const std::optional<Identity>& identity) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  setpgid(0, 0);  // Ctrl-C on the terminal is ours to pass on
  const int null = open("/dev/null", O_RDONLY);
  if (null < 0 || dup2(null, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0) _exit(126);
  if (identity) {
    const bool changed =
        setgroups(0, nullptr) == 0 && setgid(identity->group) == 0 && setuid(identity->user) == 0;
    if (!changed) _exit(126);
  }
  // After the change of user, which would clear it.
  prctl(PR_SET_PDEATHSIG, SIGQUIT);
  if (getppid() != parent) _exit(126);
  execv(command[0], command);
  _exit(127);
}

}  // namespace

Result<pid_t> start_child(const ChildOptions& options) {
  const auto identity = TRY(identity_of(options.user));
  std::vector<std::string> words = options.command;
  std::vector<char*> command;
  for (std::string& word : words) command.push_back(word.data());
  command.push_back(nullptr);
  const int output =
      open(options.output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (output < 0) return io_error("open", options.output, errno);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child == 0) become(command.data(), output, parent, identity);
  close(output);
  if (child < 0) return io_error("start", options.command.front(), errno);
  return child;
}

std::optional<int> wait_for_child(pid_t child, std::chrono::milliseconds limit) {
  // Readable when the child has ended. Kernels without it are asked every few milliseconds.
  const auto descriptor = static_cast<int>(syscall(SYS_pidfd_open, child, 0));
  const auto deadline = std::chrono::steady_clock::now() + limit;
  std::optional<int> outcome;
  for (;;) {
    int status = 0;
    const pid_t ended = waitpid(child, &status, WNOHANG);
    if (ended == child || (ended < 0 && errno == ECHILD)) {
      outcome = status;
      break;
    }
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) break;
    pollfd polled{descriptor, POLLIN, 0};
    const auto slice = descriptor >= 0 ? left : std::min(left, std::chrono::milliseconds(5));
    poll(&polled, 1, static_cast<int>(slice.count()));
  }
  if (descriptor >= 0) close(descriptor);
  return outcome;
}

Result<> give_to(const std::filesystem::path& path, const std::string& user) {
  const auto identity = TRY(identity_of(user));
  if (!identity) return {};
  if (chown(path.c_str(), identity->user, identity->group) != 0) {
    return io_error("change the owner of", path, errno);
  }
  return {};
}

}  // namespace freshet::postgres
