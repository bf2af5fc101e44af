#include "postgres/scratch_server.h"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <fstream>

#include "base/file.h"
#include "postgres/connection.h"
#include "postgres/scratch_process.h"
#include "postgres/sqlstate.h"

namespace freshet::postgres {

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds ready_within{60};
constexpr std::chrono::seconds stopped_within{60};
constexpr int port_attempts_max = 5;

std::string server_user() {
  return geteuid() == 0 ? "postgres" : "";
}

bool has_server(const fs::path& folder) {
  std::error_code ignored;
  return fs::exists(folder / "initdb", ignored) && fs::exists(folder / "postgres", ignored);
}

// Debian's versioned folders, the newest first, then whatever the PATH has.
Result<fs::path> find_bin_folder() {
  std::error_code ignored;
  int newest = 0;
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", ignored)) {
    const std::string name = entry.path().filename();
    int major = 0;
    std::from_chars(name.data(), name.data() + name.size(), major);
    if (major > newest && has_server(entry.path() / "bin")) newest = major;
  }
  if (newest > 0) return fs::path(fmt::format("/usr/lib/postgresql/{}/bin", newest));
  const char* const path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "" : path;
  while (!rest.empty()) {
    const fs::path folder(rest.substr(0, rest.find(':')));
    if (has_server(folder)) return folder;
    rest.remove_prefix(std::min(rest.size(), rest.find(':') == std::string_view::npos
                                                 ? std::string_view::npos
                                                 : rest.find(':') + 1));
  }
  return Error{.sqlstate = sqlstate::system_error,
               .message = "no PostgreSQL server is installed here",
               .hint = "On Debian and Ubuntu: apt install postgresql."};
}

Result<int> free_port() {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool found = listener >= 0 &&
                     bind(listener, reinterpret_cast<const sockaddr*>(&address), size) == 0 &&
                     getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  const int error = errno;
  if (listener >= 0) close(listener);
  if (!found) return io_error("find a free port on", "127.0.0.1", error);
  return static_cast<int>(ntohs(address.sin_port));
}

Result<fs::path> make_folder(const fs::path& wanted) {
  std::error_code error;
  if (!wanted.empty()) {
    if (fs::exists(wanted, error) && !fs::is_empty(wanted, error)) {
      return Error{.sqlstate = sqlstate::system_error,
                   .message = wanted.string() + " is not empty",
                   .hint = "A scratch server removes its folder at the end; give it a new one."};
    }
    fs::create_directories(wanted, error);
    if (error) return io_error("create", wanted, error.value());
    return fs::absolute(wanted);
  }
  std::string pattern = fs::temp_directory_path(error) / "freshet-postgres-XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) return io_error("create", pattern, errno);
  return fs::path(pattern);
}

// The last lines of a log, for an error's detail.
std::string tail(const fs::path& log) {
  constexpr std::size_t bytes_max = 600;
  const Result<std::string> text = read_text(log);
  if (!text.ok()) return {};
  return text->size() <= bytes_max ? *text : text->substr(text->size() - bytes_max);
}

Error failed(std::string message, const fs::path& log) {
  return {.fault = Fault::Transient,
          .sqlstate = sqlstate::system_error,
          .message = std::move(message),
          .detail = tail(log),
          .hint = "The user that PostgreSQL runs as must be able to reach the folder."};
}

Result<> run_initdb(const ScratchOptions& options) {
  const fs::path log = options.folder / "initdb.log";
  const pid_t child =
      TRY(start_child({.command = {options.bin_folder / "initdb", "--pgdata",
                                   options.folder / "data", "--auth=trust", "--username=postgres",
                                   "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"},
                       .output = log,
                       .user = server_user()}));
  const std::optional<int> status = wait_for_child(child, ready_within);
  if (!status) {
    kill(child, SIGKILL);
    wait_for_child(child, stopped_within);
  }
  if (status != 0) return failed("initdb did not succeed", log);
  return {};
}

// One folder per server for its socket too, unless the path is too long for one.
std::string socket_folder(const fs::path& folder) {
  constexpr std::size_t path_bytes_max = 107 - sizeof "/.s.PGSQL.65535";
  return folder.string().size() > path_bytes_max ? std::string{} : folder.string();
}

// A value as postgresql.conf has it.
std::string setting_value(std::string_view text) {
  std::string result = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') result += c;
    result += c;
  }
  return result + '\'';
}

Result<> write_settings(const ScratchOptions& options) {
  std::ofstream file(options.folder / "data" / "postgresql.conf", std::ios::app);
  file << "\nlisten_addresses = '127.0.0.1'\n"
       << "unix_socket_directories = " << setting_value(socket_folder(options.folder)) << "\n"
       << "wal_level = logical\n"
       << "max_wal_senders = 20\n"
       << "max_replication_slots = 20\n";
  for (const std::string& setting : options.settings) {
    const std::size_t equals = setting.find('=');
    if (equals == std::string::npos) {
      return Error{.sqlstate = sqlstate::invalid_parameter_value,
                   .message = fmt::format("\"{}\" is no setting", setting),
                   .hint = "Write name=value, such as max_connections=50."};
    }
    file << setting.substr(0, equals) << " = " << setting_value(setting.substr(equals + 1)) << '\n';
  }
  file.flush();
  if (!file) return io_error("write", options.folder / "data" / "postgresql.conf", EIO);
  return {};
}

}  // namespace

Result<std::unique_ptr<ScratchServer>> ScratchServer::start(ScratchOptions options) {
  if (options.bin_folder.empty()) options.bin_folder = TRY(find_bin_folder());
  options.folder = TRY(make_folder(options.folder));
  std::unique_ptr<ScratchServer> server(new ScratchServer(std::move(options), 0));
  TRY(give_to(server->folder(), server_user()));
  TRY(run_initdb(server->options_).context("create a scratch PostgreSQL"));
  TRY(write_settings(server->options_));
  // Somebody may take the port between our finding it and the server's binding it.
  for (int attempt = 1;; ++attempt) {
    server->port_ = TRY(free_port());
    const Result<> started = server->start_again();
    if (started.ok()) return server;
    const bool taken = started.error().detail.find("already in use") != std::string::npos;
    if (!taken || attempt == port_attempts_max) return started.error();
  }
}

ScratchServer::ScratchServer(ScratchOptions options, int port)
    : options_(std::move(options)), port_(port) {}

ScratchServer::~ScratchServer() {
  ignore(stop(options_.keep ? StopMode::Fast : StopMode::Immediate));
  std::error_code ignored;
  if (!options_.keep) fs::remove_all(options_.folder, ignored);
}

std::string ScratchServer::url(const std::string& database) const {
  return fmt::format("postgresql://postgres@127.0.0.1:{}/{}", port_, database);
}

Result<> ScratchServer::stop(StopMode mode) {
  if (!running_) return {};
  running_ = false;
  const auto signal_of = [](StopMode wanted) {
    switch (wanted) {
      case StopMode::Smart: return SIGTERM;
      case StopMode::Fast: return SIGINT;
      case StopMode::Immediate: return SIGQUIT;
    }
    return SIGQUIT;
  };
  kill(process_, signal_of(mode));
  if (wait_for_child(process_, stopped_within)) return {};
  kill(process_, SIGQUIT);
  if (!wait_for_child(process_, std::chrono::seconds(10))) {
    kill(process_, SIGKILL);
    wait_for_child(process_, std::chrono::seconds(10));
  }
  return failed(fmt::format("PostgreSQL did not stop within {} s", stopped_within.count()),
                options_.folder / "server.log");
}

Result<> ScratchServer::start_again() {
  if (running_) return {};
  const fs::path log = options_.folder / "server.log";
  process_ = TRY(start_child({.command = {options_.bin_folder / "postgres", "-D",
                                          options_.folder / "data", "-p", std::to_string(port_)},
                              .output = log,
                              .user = server_user()}));
  running_ = true;
  const auto deadline = Clock::now() + ready_within;
  for (;;) {
    const auto connection = Connection::connect(url(), {.application_name = "freshet-scratch"});
    if (connection.ok()) return {};
    // The wait between two attempts ends at once when the server has ended.
    const bool ended = wait_for_child(process_, std::chrono::milliseconds(10)).has_value();
    if (ended) running_ = false;
    if (ended || Clock::now() > deadline) {
      ignore(stop(StopMode::Immediate));
      return failed("PostgreSQL did not start: " + connection.error().message, log);
    }
  }
}

}  // namespace freshet::postgres
