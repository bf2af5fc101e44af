#include "server/folder_lock.h"

#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

namespace freshet::server {

namespace {

Error folder_in_use(const std::filesystem::path& folder, std::string_view owner) {
  Error error;
  error.sqlstate = "55006";
  error.message = "data folder " + folder.string() + " is in use";
  if (!owner.empty()) error.detail = "Process " + std::string(owner) + " holds it.";
  error.hint = "Stop the other server, or give this one another folder with --data.";
  return error;
}

}  // namespace

FolderLock::FolderLock(File file) : file_(std::move(file)) {}

Result<FolderLock> FolderLock::take(const std::filesystem::path& folder) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) return io_error("create data folder", folder, failed.value());
  const std::filesystem::path path = folder / "LOCK";
  auto file = File::open(path, File::Mode::ReadWrite);
  if (!file.ok()) file = File::open(path, File::Mode::CreateNew);
  if (!file.ok()) return std::move(file).error();
  if (::flock(file->descriptor(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return io_error("lock", path, errno);
    auto owner = read_text(path);
    return folder_in_use(folder, owner.ok() ? *owner : std::string{});
  }
  TRY(file->truncate(0));
  const std::string pid = std::to_string(::getpid());
  TRY(file->write_at(0, as_bytes(pid)));
  return FolderLock(*std::move(file));
}

}  // namespace freshet::server
