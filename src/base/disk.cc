#include "base/disk.h"

#include <sys/statvfs.h>

#include <cerrno>

#include "base/file.h"

namespace freshet {

Result<DiskSpace> disk_space(const std::filesystem::path& folder) {
  struct statvfs status {};
  if (::statvfs(folder.c_str(), &status) != 0) {
    return io_error("ask for the free space of", folder, errno);
  }
  return DiskSpace{.free_bytes = std::uint64_t{status.f_bavail} * status.f_frsize,
                   .bytes = std::uint64_t{status.f_blocks} * status.f_frsize};
}

}  // namespace freshet
