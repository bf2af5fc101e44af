#include "stream/format.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstring>

namespace freshet::stream {
namespace {

constexpr std::size_t name_digits =
    20;  // as many as the largest offset needs: names sort as numbers
constexpr std::string_view name_end = ".log";

std::uint64_t header_checksum(const std::byte* header, Offset offset) {
  constexpr std::size_t skipped = offsetof(RecordHeader, messages_bytes);
  return XXH3_64bits_withSeed(header + skipped, sizeof(RecordHeader) - skipped, offset.value);
}

std::uint64_t messages_checksum(Bytes messages, Offset offset) {
  return XXH3_64bits_withSeed(messages.data(), messages.size(), offset.value);
}

Error not_a_stream_file(std::string message) {
  return {.fault = Fault::Corruption, .sqlstate = "XX001", .message = std::move(message)};
}

}  // namespace

FileHeader file_header(Offset first, Lsn before) {
  FileHeader header{.first_offset = first.value, .lsn_before = before.value};
  header.checksum = XXH3_64bits(&header, offsetof(FileHeader, checksum));
  return header;
}

Result<FileHeader> parse_file_header(Bytes bytes) {
  FileHeader header;
  if (bytes.size() < sizeof header) return not_a_stream_file("file header is cut off");
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.magic != file_magic) return not_a_stream_file("not a file of a stream");
  // Before the checksum: another version may compute it over other bytes.
  if (header.version != file_version) {
    return Error{.sqlstate = "0A000",
                 .message = fmt::format("stream file has format version {}, this program knows {}",
                                        header.version, file_version),
                 .hint = "Run the version of Freshet that wrote the data folder, or a newer one."};
  }
  if (header.checksum != XXH3_64bits(&header, offsetof(FileHeader, checksum)) ||
      header.header_bytes != sizeof header) {
    return not_a_stream_file("checksum of the file header does not match");
  }
  return header;
}

RecordHeader record_header(const TransactionPart& part, Offset offset, Offset synced) {
  RecordHeader header{
      .messages_bytes = static_cast<std::uint32_t>(part.messages.size()),
      .flags = (part.first ? RecordHeader::first : 0) | (part.last ? RecordHeader::last : 0),
      .commit_lsn = part.commit_lsn.value,
      .end_lsn = part.end_lsn.value,
      .commit_time = part.commit_time.time_since_epoch().count(),
      .synced = synced.value,
      .messages_checksum = messages_checksum(part.messages, offset)};
  header.header_checksum = header_checksum(bytes_of(header).data(), offset);
  return header;
}

std::optional<RecordHeader> parse_record_header(const std::byte* bytes, Offset offset) {
  RecordHeader header;
  std::memcpy(&header, bytes, sizeof header);
  // Cheap and nearly always decisive: recovery asks this at every byte of a damaged tail.
  if (header.flags > (RecordHeader::first | RecordHeader::last)) return {};
  if (header.header_checksum != header_checksum(bytes, offset)) return {};
  return header;
}

bool messages_match(const RecordHeader& header, Bytes messages, Offset offset) {
  return header.messages_checksum == messages_checksum(messages, offset);
}

TransactionPart part_of(const RecordHeader& header, Bytes messages) {
  return {.first = (header.flags & RecordHeader::first) != 0,
          .last = (header.flags & RecordHeader::last) != 0,
          .commit_lsn = {header.commit_lsn},
          .end_lsn = {header.end_lsn},
          .commit_time = Time(std::chrono::microseconds(header.commit_time)),
          .messages = messages};
}

std::string file_name(Offset first) {
  return fmt::format("{:0{}}{}", first.value, name_digits, name_end);
}

std::optional<Offset> parse_file_name(const std::string& name) {
  if (name.size() != name_digits + name_end.size() || !name.ends_with(name_end)) return {};
  Offset first;
  const char* digits_end = name.data() + name_digits;
  const auto [end, failed] = std::from_chars(name.data(), digits_end, first.value);
  if (failed != std::errc() || end != digits_end) return {};
  return first;
}

}  // namespace freshet::stream
