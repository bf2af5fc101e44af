// Removes a source without a trace: what Freshet has on it, and, where a data folder is given, its
// collections and its stream there. Freshet need not be running, and must not.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "server/config.h"
#include "source/leftovers.h"

namespace freshet::server {

struct DropOptions {
  std::optional<std::filesystem::path> data{};  // nothing: what is there stays
  bool dry_run = false;
  bool force = false;  // also when a running Freshet follows it, or another folder made it
};

struct Dropped {
  std::string server_version{};
  std::vector<source::Leftover> found{};
  // Of each that was found: why it is still there, or nothing.
  std::vector<std::optional<Error>> still_there{};
  std::string other_names{};  // of sources of Freshet that are on the server too
  // In the data folder: its collections, or nothing when the source is not in it.
  std::optional<std::size_t> collections{};
};

// What could not be removed on the source comes back in the answer, and then the data folder is
// left as it is. 55006 when a running Freshet follows the source or uses the folder, 42710 when
// another folder made what is there; both name it, and nothing was changed.
Result<Dropped> drop_source(const SourceConfig& source, const DropOptions& options);

}  // namespace freshet::server
