// One server per data folder: an exclusive lock on its file LOCK, held while the process lives.
#pragma once

#include <filesystem>

#include "base/file.h"
#include "base/result.h"

namespace freshet::server {

class FolderLock {
 public:
  // Creates the folder when it is missing. 55006 when another server holds it.
  static Result<FolderLock> take(const std::filesystem::path& folder);

 private:
  explicit FolderLock(File file);
  File file_;  // the lock goes with its descriptor, even after kill -9
};

}  // namespace freshet::server
