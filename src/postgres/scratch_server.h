// A PostgreSQL server of our own, for the demo, the tests and the benchmarks: own folder, free
// port, wal_level=logical, trust on loopback. PostgreSQL refuses to run as root, so then it runs as
// `postgres`.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace freshet::postgres {

struct ScratchOptions {
  std::filesystem::path folder{};       // created; empty: a new one in the temporary folder
  std::filesystem::path bin_folder{};   // of initdb and postgres; empty: the newest installed
  std::vector<std::string> settings{};  // "max_wal_senders=20"
  bool keep = false;                    // leave the folder behind
};

enum class StopMode { Smart, Fast, Immediate };

// One thread, which must outlive it: the server is told to quit when the thread that started it
// ends, so that a process that is killed leaves no server behind. The destructor stops the server
// and removes the folder.
class ScratchServer {
 public:
  static Result<std::unique_ptr<ScratchServer>> start(ScratchOptions options);
  ~ScratchServer();

  std::string url(const std::string& database = "postgres") const;
  int port() const { return port_; }
  const std::filesystem::path& folder() const { return options_.folder; }

  Result<> stop(StopMode mode);
  Result<> start_again();

 private:
  explicit ScratchServer(ScratchOptions options, int port);
  ScratchOptions options_;
  int port_;
  int process_ = 0;  // of the postmaster, while running
  bool running_ = false;
};

}  // namespace freshet::postgres
