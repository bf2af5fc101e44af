// A disk that is full, or fails to sync, when a test says so: loaded into a program by LD_PRELOAD.
//
// Only files below FAULTY_DISK_FOLDER are concerned. FAULTY_DISK_CONTROL is a file that the test
// maps too, so that faults begin and end while the program runs. A full disk takes what fits into
// the room that is left, then nothing (ENOSPC); writing over what a file has needs no room.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

// As tests/harness/disk.py has it.
struct Control {
  std::atomic<std::int64_t> room;           // bytes that files may grow; below 0: no limit
  std::atomic<std::int64_t> syncs_to_fail;  // so many fail with EIO
  std::atomic<std::int64_t> refused;        // writes that did not fit
  std::atomic<std::int64_t> failed_syncs;
  std::atomic<std::int64_t> tells;  // whether the room is what the disk says is free
  char sync_part[64];               // only files with this in their path fail to sync
};

Control* control() {
  static Control* const mapped = [] {
    const char* const path = std::getenv("FAULTY_DISK_CONTROL");
    const int descriptor = path == nullptr ? -1 : ::open(path, O_RDWR | O_CLOEXEC);
    if (descriptor < 0) std::abort();
    void* const at =
        ::mmap(nullptr, sizeof(Control), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (at == MAP_FAILED) std::abort();
    ::close(descriptor);
    return static_cast<Control*>(at);
  }();
  return mapped;
}

// `part`: what the path must contain.
bool concerns(int descriptor, const char* part = "") {
  static const char* const folder = std::getenv("FAULTY_DISK_FOLDER");
  if (folder == nullptr) return false;
  char link[32];
  char path[4096];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t length = ::readlink(link, path, sizeof path - 1);
  const std::size_t prefix = std::strlen(folder);
  if (length <= static_cast<ssize_t>(prefix) || std::memcmp(path, folder, prefix) != 0)
    return false;
  path[length] = '\0';
  return std::strstr(path + prefix, part) != nullptr;
}

// How much of `size` bytes at `offset` the disk takes.
std::size_t taken(int descriptor, std::size_t size, off_t offset) {
  Control& disk = *control();
  if (disk.room < 0 || size == 0) return size;
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) return size;
  const std::int64_t end = offset + static_cast<std::int64_t>(size);
  const std::int64_t grows =
      std::clamp<std::int64_t>(end - status.st_size, 0, static_cast<std::int64_t>(size));
  const std::int64_t before = disk.room.fetch_sub(grows);
  const std::int64_t missing =
      std::clamp<std::int64_t>(grows - std::max<std::int64_t>(before, 0), 0, grows);
  if (missing == 0) return size;
  disk.room = 0;
  if (missing == static_cast<std::int64_t>(size)) ++disk.refused;
  return size - static_cast<std::size_t>(missing);
}

template <typename Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

ssize_t refuse() {
  errno = ENOSPC;
  return -1;
}

int sync_fails(int descriptor) {
  Control& disk = *control();
  if (disk.syncs_to_fail <= 0 || !concerns(descriptor, disk.sync_part)) return 0;
  --disk.syncs_to_fail;
  ++disk.failed_syncs;
  return EIO;
}

}  // namespace

extern "C" ssize_t pwrite(int descriptor, const void* bytes, size_t size, off_t offset) {
  static auto* const real = next<ssize_t(int, const void*, size_t, off_t)>("pwrite");
  if (!concerns(descriptor)) return real(descriptor, bytes, size, offset);
  const std::size_t room = taken(descriptor, size, offset);
  return room == 0 && size > 0 ? refuse() : real(descriptor, bytes, room, offset);
}

extern "C" ssize_t pwrite64(int descriptor, const void* bytes, size_t size, off_t offset) {
  return pwrite(descriptor, bytes, size, offset);
}

extern "C" ssize_t write(int descriptor, const void* bytes, size_t size) {
  static auto* const real = next<ssize_t(int, const void*, size_t)>("write");
  if (!concerns(descriptor)) return real(descriptor, bytes, size);
  const bool appends = (::fcntl(descriptor, F_GETFL) & O_APPEND) != 0;
  const off_t offset = ::lseek(descriptor, 0, appends ? SEEK_END : SEEK_CUR);
  const std::size_t room = taken(descriptor, size, offset);
  return room == 0 && size > 0 ? refuse() : real(descriptor, bytes, room);
}

extern "C" int statvfs(const char* path, struct statvfs* status) noexcept {
  static auto* const real = next<int(const char*, struct statvfs*)>("statvfs");
  static const char* const folder = std::getenv("FAULTY_DISK_FOLDER");
  const int result = real(path, status);
  const bool below = folder != nullptr && std::strncmp(path, folder, std::strlen(folder)) == 0;
  if (result != 0 || !below) return result;
  const Control& disk = *control();
  if (disk.tells == 0 || disk.room < 0) return result;
  status->f_bavail = static_cast<fsblkcnt_t>(disk.room) / status->f_frsize;
  return result;
}

extern "C" int fsync(int descriptor) {
  static auto* const real = next<int(int)>("fsync");
  if (const int failed = sync_fails(descriptor); failed != 0) {
    errno = failed;
    return -1;
  }
  return real(descriptor);
}

extern "C" int fdatasync(int descriptor) {
  static auto* const real = next<int(int)>("fdatasync");
  if (const int failed = sync_fails(descriptor); failed != 0) {
    errno = failed;
    return -1;
  }
  return real(descriptor);
}
