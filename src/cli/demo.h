// `freshet demo`: a small shop in a PostgreSQL server of our own, live traffic on it, and Freshet
// mirroring it, all in one process, so that a newcomer sees the whole path with one command.
//
// It removes everything it made when it ends, unless asked to keep it.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/result.h"

namespace freshet::cli {

struct DemoOptions {
  std::int64_t orders = 100'000;  // in the shop before traffic starts
  double rate = 200;              // transactions per second on the shop; 0: none
  int sql_port = 5433;            // 0: any free one; a taken one is replaced by a free one
  int http_port = 8080;
  std::filesystem::path folder{};  // of everything; empty: a new one in the temporary folder
  bool keep = false;               // leave the folder behind, and say how to start again
  std::int64_t seconds = 0;        // ends by itself after so long; 0: at Ctrl-C
};

// Returns when asked to stop by SIGINT or SIGTERM, which are blocked already (signals.h).
Result<> run_demo(const DemoOptions& options);

}  // namespace freshet::cli
