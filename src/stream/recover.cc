#include "stream/recover.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <system_error>
#include <vector>

#include "base/failpoint.h"
#include "stream/blocks.h"
#include "stream/format.h"

namespace freshet::stream {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t file_header_bytes = sizeof(FileHeader);
constexpr std::size_t record_header_bytes = sizeof(RecordHeader);
constexpr std::string_view unfinished_name_end = ".new";

Error corruption(const fs::path& path, std::string message, std::string detail = {}) {
  return {.fault = Fault::Corruption,
          .sqlstate = "XX001",
          .message = path.filename().string() + ": " + std::move(message),
          .detail = std::move(detail),
          .hint = "Check the disk. To start over, drop the source and create it again."};
}

// One file as its header describes it.
struct Opened {
  fs::path path;
  File file;
  FileHeader header;
  std::uint64_t size;
  Offset offset_at(std::uint64_t position) const {
    return {header.first_offset + position - file_header_bytes};
  }
};

Result<Opened> open_file(const fs::path& folder, Offset first, File::Mode mode) {
  const fs::path path = folder / file_name(first);
  File file = TRY(File::open(path, mode));
  std::array<std::byte, file_header_bytes> bytes;
  const std::size_t got = TRY(file.read_at(0, bytes));
  const FileHeader header =
      TRY(parse_file_header({bytes.data(), got}).context(path.filename().string()));
  if (header.first_offset != first.value) {
    return corruption(path, fmt::format("begins at offset {}", header.first_offset),
                      "The name of a file is the offset of its first record.");
  }
  const std::uint64_t size = TRY(file.size());
  return Opened{path, std::move(file), header, size};
}

Result<std::vector<Offset>> list_files(const fs::path& folder) {
  std::vector<Offset> files;
  std::error_code failed;
  for (fs::directory_iterator entry(folder, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    const std::string name = entry->path().filename().string();
    if (const auto first = parse_file_name(name)) files.push_back(*first);
    // Begun but never given its name: nothing in it was ever promised.
    if (name.ends_with(unfinished_name_end) && parse_file_name(entry->path().stem().string())) {
      FAILPOINT("stream.recover.before_remove");
      fs::remove(entry->path(), failed);
    }
  }
  if (failed) return io_error("list", folder, failed.value());
  std::ranges::sort(files);
  return files;
}

// What the last file's records say, up to the first that is not one.
struct Scan {
  std::uint64_t complete;                      // position behind the last complete transaction
  Lsn lsn;                                     // and its end LSN
  std::optional<std::uint64_t> bad;            // position of the first record that is none
  std::optional<TransactionMark> transaction;  // the last complete one with messages
};

// The record at `position` when it is whole and the next in order.
Result<std::optional<RecordHeader>> good_record(const Opened& opened, Blocks& blocks,
                                                std::uint64_t position, bool in_transaction) {
  if (opened.size - position < record_header_bytes) return std::optional<RecordHeader>();
  const Offset offset = opened.offset_at(position);
  const Bytes bytes = TRY(blocks.view(opened.file, position, record_header_bytes, opened.size));
  const auto header = parse_record_header(bytes.data(), offset);
  if (!header) return header;
  const std::uint64_t record_bytes = record_header_bytes + header->messages_bytes;
  if (record_bytes > opened.size - position) return std::optional<RecordHeader>();
  const Bytes record =
      TRY(blocks.view(opened.file, position, static_cast<std::size_t>(record_bytes), opened.size));
  const bool in_order = ((header->flags & RecordHeader::first) != 0) != in_transaction;
  if (!in_order || !messages_match(*header, record.subspan(record_header_bytes), offset)) {
    return std::optional<RecordHeader>();
  }
  return header;
}

Result<Scan> scan(const Opened& opened, const StreamOptions& options) {
  Scan found{file_header_bytes, {opened.header.lsn_before}, {}, {}};
  Blocks blocks;
  bool in_transaction = false;
  for (std::uint64_t position = file_header_bytes; position < opened.size;) {
    const auto record = TRY(good_record(opened, blocks, position, in_transaction));
    if (!record) {
      found.bad = position;
      break;
    }
    if (record->messages_bytes > options.record_bytes_max) {
      return corruption(
          opened.path, fmt::format("record of {} bytes is over the limit", record->messages_bytes));
    }
    position += record_header_bytes + record->messages_bytes;
    in_transaction = (record->flags & RecordHeader::last) == 0;
    if (in_transaction) continue;
    found.complete = position;
    found.lsn = {record->end_lsn};
    if (record->messages_bytes == 0) continue;
    found.transaction = {.commit_lsn = {record->commit_lsn},
                         .commit_time = Time(std::chrono::microseconds(record->commit_time))};
  }
  return found;
}

// Whether the file holds a whole disk sector of zeros between the positions: the mark of bytes that
// never reached the disk. File systems show zeros there, and sectors are written whole or not.
Result<bool> has_missing_sector(const File& file, std::uint64_t from, std::uint64_t to) {
  constexpr std::uint64_t sector_bytes = 512;
  std::array<std::byte, sector_bytes> sector;
  for (std::uint64_t at = (from + sector_bytes - 1) / sector_bytes * sector_bytes;
       at + sector_bytes <= to; at += sector_bytes) {
    const std::size_t got = TRY(file.read_at(at, sector));
    const auto is_zero = [](std::byte byte) { return byte == std::byte{0}; };
    if (got == sector_bytes && std::ranges::all_of(sector, is_zero)) return true;
  }
  return false;
}

// Decides about the bytes from `bad` on. A record's `synced` says where the synced transactions
// ended when it was written, so:
// - no record behind the bad place: a torn tail. (Damage to the last bytes synced looks the same;
//   the source notices it, because PostgreSQL then knows of a later confirmed LSN.)
// - a record behind says that the stream was synced beyond: what is bad here was good once.
// - records behind, none of which says so, all from one last write: it is torn when a sector is
//   missing between (sectors reach the disk in any order), else it was altered.
Result<> must_be_torn(const Opened& opened, const Scan& found) {
  constexpr std::uint64_t window_bytes = 1 << 20;
  std::vector<std::byte> window(
      static_cast<std::size_t>(std::min(window_bytes, opened.size - *found.bad)));
  std::uint64_t next_record = 0;  // position of the first record behind
  for (std::uint64_t at = *found.bad + 1; at + record_header_bytes <= opened.size;) {
    const std::size_t got = TRY(opened.file.read_at(at, window));
    if (got < record_header_bytes) break;
    const std::size_t places = got - record_header_bytes + 1;
    for (std::size_t i = 0; i < places; ++i) {
      const Offset offset = opened.offset_at(at + i);
      const auto header = parse_record_header(window.data() + i, offset);
      if (!header) continue;
      if (next_record == 0) next_record = at + i;
      if (header->synced <= opened.offset_at(found.complete).value) continue;
      return corruption(opened.path, fmt::format("damaged at byte {}", *found.bad),
                        fmt::format("The record at byte {} says that everything below offset {} "
                                    "had been synced.",
                                    at + i, header->synced));
    }
    at += places;
  }
  if (next_record == 0 || TRY(has_missing_sector(opened.file, *found.bad, next_record))) return {};
  return corruption(opened.path, fmt::format("damaged at byte {}", *found.bad),
                    fmt::format("There is a good record behind, at byte {}.", next_record));
}

// The last transaction of files that are older than the last one, which may hold idle positions
// only.
Result<std::optional<TransactionMark>> last_transaction(const fs::path& folder,
                                                        std::span<const Offset> older,
                                                        const StreamOptions& options) {
  for (std::size_t i = older.size(); i-- > 0;) {
    const Opened opened = TRY(open_file(folder, older[i], File::Mode::Read));
    const Scan found = TRY(scan(opened, options));
    if (found.bad) return corruption(opened.path, fmt::format("damaged at byte {}", *found.bad));
    if (found.transaction) return found.transaction;
  }
  return std::optional<TransactionMark>{};
}

}  // namespace

Result<File> create_file(const fs::path& folder, End before) {
  const fs::path path = folder / file_name(before.offset);
  const fs::path unfinished = path.string() + std::string(unfinished_name_end);
  std::error_code failed;
  fs::remove(unfinished, failed);
  File file = TRY(File::open(unfinished, File::Mode::CreateNew));
  TRY(file.write_at(0, bytes_of(file_header(before.offset, before.lsn))));
  FAILPOINT("stream.file.before_sync");
  TRY(file.sync());
  FAILPOINT("stream.file.before_rename");
  fs::rename(unfinished, path, failed);
  if (failed) return io_error("rename", unfinished, failed.value());
  FAILPOINT("stream.file.before_folder_sync");
  TRY(sync_folder(folder));
  FAILPOINT("stream.file.after");
  return file;
}

Result<Recovered> recover(const fs::path& folder, const StreamOptions& options) {
  std::vector<Offset> files = TRY(list_files(folder));
  if (files.empty()) {
    const End nothing;
    File file = TRY(create_file(folder, nothing));
    return Recovered{{nothing.offset}, std::move(file), nothing, 0, {}, {}};
  }
  Lsn begin_lsn;
  for (std::size_t i = 0; i + 1 < files.size(); ++i) {
    const Opened older = TRY(open_file(folder, files[i], File::Mode::Read));
    if (i == 0) begin_lsn = {older.header.lsn_before};
    const Offset end = older.offset_at(older.size);
    if (older.size < file_header_bytes || end != files[i + 1]) {
      return corruption(older.path, fmt::format("ends at offset {}, the next file begins at {}",
                                                end.value, files[i + 1].value));
    }
  }
  Opened last = TRY(open_file(folder, files.back(), File::Mode::ReadWrite));
  if (files.size() == 1) begin_lsn = {last.header.lsn_before};
  const Scan found = TRY(scan(last, options));
  if (found.bad) TRY(must_be_torn(last, found));
  if (found.complete < last.size) {
    FAILPOINT("stream.recover.before_cut");
    TRY(last.file.truncate(found.complete));
  }
  // Records of an unsynced write may be readable after a crash of the program, but not yet safe.
  FAILPOINT("stream.recover.before_sync");
  TRY(last.file.sync());
  auto transaction = found.transaction;
  if (!transaction) {
    const std::span<const Offset> older(files.data(), files.size() - 1);
    transaction = TRY(last_transaction(folder, older, options));
  }
  return Recovered{
      std::move(files),           std::move(last.file), {last.offset_at(found.complete), found.lsn},
      last.size - found.complete, transaction,          begin_lsn};
}

}  // namespace freshet::stream
