// Messages of logical replication written by hand, for the tests of this module.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/check.h"

namespace freshet::source::scripted {

class ScratchFolder {
 public:
  ScratchFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "freshet_source_XXXXXX");
    CHECK(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~ScratchFolder() { std::filesystem::remove_all(path_); }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

struct Message {
  std::string bytes;

  explicit Message(char kind) : bytes(1, kind) {}
  template <typename T>
  Message& add(T value) {
    ByteWriter(bytes).big(value);
    return *this;
  }
  Message& text(std::string_view value) {
    bytes += value;
    return *this;
  }
};

inline std::string begin(std::uint64_t commit_lsn, std::uint32_t xid, std::int64_t time = 7) {
  return Message('B').add(commit_lsn).add(time).add(xid).bytes;
}
inline std::string commit(std::uint64_t lsn, std::uint64_t end, std::int64_t time = 7) {
  return Message('C').add(std::uint8_t{0}).add(lsn).add(end).add(time).bytes;
}
inline std::string block(std::uint32_t xid, bool first) {
  return Message('S').add(xid).add(std::uint8_t{first}).bytes;
}
inline std::string end_block() {
  return "E";
}
inline std::string stream_commit(std::uint32_t xid, std::uint64_t lsn, std::uint64_t end,
                                 std::int64_t time = 7) {
  return Message('c').add(xid).add(std::uint8_t{0}).add(lsn).add(end).add(time).bytes;
}
inline std::string stream_abort(std::uint32_t xid, std::uint32_t sub) {
  return Message('A').add(xid).add(sub).bytes;
}
// A logical message; inside a block with the id of its transaction.
inline std::string logical(std::string_view prefix, std::uint32_t xid = 0,
                           std::string_view content = "what") {
  Message message('M');
  if (xid != 0) message.add(xid);
  message.add(std::uint8_t{1}).add(std::uint64_t{90}).text(prefix).add('\0');
  return message.add(static_cast<std::uint32_t>(content.size())).text(content).bytes;
}
// A change, Relation or Type: what it says does not matter here. Inside a block
// with the id of its transaction.
inline std::string change(char kind, std::string_view body) {
  return Message(kind).text(body).bytes;
}
inline std::string change(char kind, std::uint32_t xid, std::string_view body) {
  return Message(kind).add(xid).text(body).bytes;
}

}  // namespace freshet::source::scripted
