// A file descriptor with an owner, and errors that name the path.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace freshet {

class File {
 public:
  enum class Mode { Read, ReadWrite, CreateNew };

  // CreateNew fails when the file exists.
  static Result<File> open(const std::filesystem::path& path, Mode mode);

  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  ~File();

  Result<std::uint64_t> size() const;
  // Reads up to out.size() bytes; fewer only at the end of the file.
  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) const;
  Result<> write_at(std::uint64_t offset, Bytes bytes);
  Result<> truncate(std::uint64_t size);
  // Frees the disk space of what is not needed any more; the size stays, the bytes read as zero.
  // Does nothing where the file system cannot.
  void give_back(std::uint64_t offset, std::uint64_t size);
  // fdatasync: what was written survives a power cut. A failed sync is Corruption: the kernel may
  // have dropped the pages, so trying again would lie.
  Result<> sync();
  int descriptor() const { return descriptor_; }

 private:
  File(int descriptor, std::filesystem::path path);

  int descriptor_;  // -1 after a move
  std::filesystem::path path_;
};

// Makes a created, renamed or removed name inside `folder` survive a power cut.
Result<> sync_folder(const std::filesystem::path& folder);

// The whole file as text; for small files such as configuration.
Result<std::string> read_text(const std::filesystem::path& path);

// An Error from errno: transient for EINTR/EAGAIN, 53100 for a full disk with a hint, 58030
// otherwise.
Error io_error(std::string_view what, const std::filesystem::path& path, int error_number);

}  // namespace freshet
