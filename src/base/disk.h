// How much room there is on the disk below a folder.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/result.h"

namespace freshet {

struct DiskSpace {
  std::uint64_t free_bytes = 0;  // for programs without privileges
  std::uint64_t bytes = 0;       // in all
};

Result<DiskSpace> disk_space(const std::filesystem::path& folder);

}  // namespace freshet
