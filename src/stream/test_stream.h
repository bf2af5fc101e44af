// Words for the tests of this module: a scratch folder, transactions by number, reading everything.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "stream/format.h"
#include "stream/stream.h"

namespace freshet::stream {

namespace fs = std::filesystem;

class ScratchFolder {
 public:
  ScratchFolder() {
    std::string pattern = (fs::temp_directory_path() / "freshet_stream_XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~ScratchFolder() { fs::remove_all(path_); }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

// Transaction `number` of a source: commits at number × 100, ends 50 behind.
inline TransactionPart transaction(std::uint64_t number, std::string_view messages) {
  return {.commit_lsn = {number * 100},
          .end_lsn = {number * 100 + 50},
          .commit_time = Time(std::chrono::microseconds(number)),
          .messages = as_bytes(messages)};
}
inline TransactionPart first_part(std::uint64_t number, std::string_view messages) {
  TransactionPart part = transaction(number, messages);
  part.last = false;
  part.end_lsn = {};
  return part;
}
inline TransactionPart last_part(std::uint64_t number, std::string_view messages) {
  TransactionPart part = transaction(number, messages);
  part.first = false;
  return part;
}

inline std::unique_ptr<Stream> open_or_fail(const fs::path& folder, StreamOptions options = {}) {
  auto opened = Stream::open(folder, options);
  EXPECT_TRUE(opened.ok()) << opened.error().message << " " << opened.error().detail;
  return opened.ok() ? std::move(*opened) : nullptr;
}

inline void append(Stream& stream, const TransactionPart& part) {
  const auto appended = stream.append(part);
  ASSERT_TRUE(appended.ok()) << appended.error().message;
}
inline void append_synced(Stream& stream, const TransactionPart& part) {
  append(stream, part);
  const auto synced = stream.sync();
  ASSERT_TRUE(synced.ok()) << synced.error().message;
}

inline Result<std::optional<Record>> next_now(Reader& reader) {
  return reader.next({}, std::chrono::milliseconds(0));
}

// The messages of every durable record from `from` on.
inline Result<std::vector<std::string>> try_read_all(const Stream& stream, Offset from) {
  const std::unique_ptr<Reader> reader = TRY(stream.read_from(from));
  std::vector<std::string> messages;
  for (;;) {
    const std::optional<Record> record = TRY(next_now(*reader));
    if (!record) return messages;
    messages.emplace_back(as_text(record->part.messages));
  }
}
inline std::vector<std::string> read_all(const Stream& stream) {
  auto messages = try_read_all(stream, stream.begin());
  EXPECT_TRUE(messages.ok()) << messages.error().message;
  return messages.ok() ? std::move(*messages) : std::vector<std::string>();
}

inline std::string read_bytes(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
inline void write_bytes(const fs::path& path, std::string_view bytes) {
  fs::remove(path);  // ext4 writes a file through to the disk that was truncated and filled again
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

using Strings = std::vector<std::string>;

}  // namespace freshet::stream
