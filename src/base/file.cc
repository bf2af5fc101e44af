#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <tuple>

#include "base/failpoint.h"

namespace freshet {

Error io_error(std::string_view what, const std::filesystem::path& path, int error_number) {
  Error error;
  error.message = std::string(what) + " " + path.string() + ": " + std::strerror(error_number);
  error.sqlstate = "58030";
  if (error_number == ENOSPC || error_number == EDQUOT) {
    error.fault = Fault::Transient;
    error.sqlstate = "53100";
    error.hint = "Free disk space in the data folder; Freshet goes on by itself.";
  } else if (error_number == EACCES || error_number == EPERM) {
    error.hint = "Check the owner and the permissions of the path.";
  } else if (error_number == EINTR || error_number == EAGAIN) {
    error.fault = Fault::Transient;
  }
  return error;
}

Result<File> File::open(const std::filesystem::path& path, Mode mode) {
  int flags = O_CLOEXEC;
  switch (mode) {
    case Mode::Read: flags |= O_RDONLY; break;
    case Mode::ReadWrite: flags |= O_RDWR; break;
    case Mode::CreateNew: flags |= O_RDWR | O_CREAT | O_EXCL; break;
  }
  const int descriptor = ::open(path.c_str(), flags, 0600);
  if (descriptor < 0) return io_error("open", path, errno);
  return File(descriptor, path);
}

File::File(int descriptor, std::filesystem::path path)
    : descriptor_(descriptor), path_(std::move(path)) {}

File::File(File&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)) {}

File& File::operator=(File&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(path_, other.path_);
  return *this;
}

File::~File() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<std::uint64_t> File::size() const {
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0) return io_error("stat", path_, errno);
  return static_cast<std::uint64_t>(status.st_size);
}

Result<std::size_t> File::read_at(std::uint64_t offset, std::span<std::byte> out) const {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t got = ::pread(descriptor_, out.data() + done, out.size() - done,
                                static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return io_error("read", path_, errno);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

Result<> File::write_at(std::uint64_t offset, Bytes bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t put = ::pwrite(descriptor_, bytes.data() + done, bytes.size() - done,
                                 static_cast<off_t>(offset + done));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return io_error("write", path_, errno);
    done += static_cast<std::size_t>(put);
  }
  return {};
}

Result<> File::truncate(std::uint64_t size) {
  if (::ftruncate(descriptor_, static_cast<off_t>(size)) != 0) {
    return io_error("truncate", path_, errno);
  }
  return {};
}

void File::give_back(std::uint64_t offset, std::uint64_t size) {
  std::ignore = ::fallocate(descriptor_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                            static_cast<off_t>(offset), static_cast<off_t>(size));
}

Result<> File::sync() {
  int failed = injected_errno("file.sync");
  if (failed == 0 && ::fdatasync(descriptor_) != 0) failed = errno;
  if (failed == 0) return {};
  Error error = io_error("sync", path_, failed);
  error.fault = Fault::Corruption;
  return error;
}

Result<> sync_folder(const std::filesystem::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return io_error("open", folder, errno);
  const int failed = ::fsync(descriptor) != 0 ? errno : 0;
  ::close(descriptor);
  if (failed != 0) return io_error("sync", folder, failed);
  return {};
}

Result<std::string> read_text(const std::filesystem::path& path) {
  const File file = TRY(File::open(path, File::Mode::Read));
  std::string text(TRY(file.size()), '\0');
  const std::size_t got =
      TRY(file.read_at(0, std::as_writable_bytes(std::span(text.data(), text.size()))));
  text.resize(got);
  return text;
}

}  // namespace freshet
