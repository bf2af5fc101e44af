// The bytes of a stream's files; docs/formats/stream.md describes them with a worked example.
//
// Both structures lie in the file exactly as in memory: little-endian, every field at its natural
// place, no padding. Every checksum is XXH3-64. Those of a record are seeded with the record's
// offset, so a record is valid at its own place only: neither a stale one that shines through nor
// one that a payload happens to contain is ever taken for real.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "model/position.h"
#include "model/transaction.h"

namespace freshet::stream {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

inline constexpr std::array<char, 8> file_magic = {'F', 'R', 'S', 'T', 'R', 'E', 'A', 'M'};
inline constexpr std::uint32_t file_version = 1;

struct FileHeader {
  std::array<char, 8> magic = file_magic;
  std::uint32_t version = file_version;
  std::uint32_t header_bytes = 40;
  std::uint64_t first_offset = 0;  // of the first record; the file's name says the same
  std::uint64_t lsn_before = 0;    // end LSN of the last transaction of the files before
  std::uint64_t checksum = 0;      // of the bytes above
};
static_assert(sizeof(FileHeader) == 40);

struct RecordHeader {
  static constexpr std::uint32_t first = 1;
  static constexpr std::uint32_t last = 2;

  std::uint64_t header_checksum = 0;  // of the header's bytes below
  std::uint32_t messages_bytes = 0;
  std::uint32_t flags = 0;  // first, last
  std::uint64_t commit_lsn = 0;
  std::uint64_t end_lsn = 0;
  std::int64_t commit_time = 0;  // microseconds since 1970-01-01 UTC
  // Where the synced transactions ended when this record was written. It lets recovery tell damage
  // to synced records from the torn tail of records that never were.
  std::uint64_t synced = 0;
  std::uint64_t messages_checksum = 0;
};
static_assert(sizeof(RecordHeader) == 56);

// What lies at a place that should hold a file header: 40 bytes to write, or what they say.
FileHeader file_header(Offset first, Lsn before);
Result<FileHeader> parse_file_header(Bytes bytes);

RecordHeader record_header(const TransactionPart& part, Offset offset, Offset synced);
// Nothing when the bytes are no header of a record at `offset`. Needs sizeof(RecordHeader) bytes.
std::optional<RecordHeader> parse_record_header(const std::byte* bytes, Offset offset);
bool messages_match(const RecordHeader& header, Bytes messages, Offset offset);
TransactionPart part_of(const RecordHeader& header, Bytes messages);

template <typename Header>
Bytes bytes_of(const Header& header) {
  return {reinterpret_cast<const std::byte*>(&header), sizeof header};
}

// "00000000000000001000.log"
std::string file_name(Offset first);
// Nothing when it is not the name of a stream's file.
std::optional<Offset> parse_file_name(const std::string& name);

}  // namespace freshet::stream
