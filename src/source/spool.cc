#include "source/spool.h"

#include <fmt/core.h>

#include <algorithm>
#include <system_error>
#include <utility>

namespace freshet::source {

namespace fs = std::filesystem;

namespace {

// Before each message: its length and its subtransaction.
constexpr std::size_t entry_header_bytes = 4 + 4;
// Read at once, and given back to the disk at once.
constexpr std::size_t read_bytes = 1 << 20;
// A message this long goes straight to the file.
constexpr std::size_t large_body_bytes = 1 << 20;

}  // namespace

// ------------------------------------------------------------------------------------------- Spool

Spool::Spool(Spool&& other) noexcept
    : path_(std::move(other.path_)),
      written_(std::exchange(other.written_, 0)),
      buffer_(std::move(other.buffer_)),
      aborted_(std::move(other.aborted_)) {}

Spool::~Spool() {
  if (written_ == 0) return;
  std::error_code failed;
  fs::remove(path_, failed);  // what stays is removed at the next start
}

Result<> Spool::append(Xid subtransaction, char kind, Bytes body) {
  ByteWriter writer(buffer_);
  writer.little(static_cast<std::uint32_t>(1 + body.size()));
  writer.little(static_cast<std::uint32_t>(subtransaction));
  writer.little(kind);
  if (body.size() < large_body_bytes) {
    writer.bytes(body);
    return {};
  }
  TRY(write_out());
  return write(body);
}

Result<> Spool::write_out() {
  if (buffer_.empty()) return {};
  TRY(write(as_bytes(buffer_)));
  buffer_ = {};
  return {};
}

// The file is open only while it is written to: there may be more spools than a process may have
// open files.
Result<> Spool::write(Bytes bytes) {
  const auto mode = written_ == 0 ? File::Mode::CreateNew : File::Mode::ReadWrite;
  Result<File> file = File::open(path_, mode);
  if (!file.ok()) return std::move(file).error();
  TRY(file->write_at(written_, bytes));
  written_ += bytes.size();
  return {};
}

// ------------------------------------------------------------------------------------- SpoolReader

Result<SpoolReader> SpoolReader::open(Spool spool) {
  std::ranges::sort(spool.aborted_);
  if (spool.written_ == 0) return SpoolReader(std::move(spool), std::nullopt);
  TRY(spool.write_out());
  File file = TRY(File::open(spool.path_, File::Mode::ReadWrite));
  return SpoolReader(std::move(spool), std::move(file));
}

SpoolReader::SpoolReader(Spool spool, std::optional<File> file)
    : spool_(std::move(spool)), file_(std::move(file)), window_(std::move(spool_.buffer_)) {}

Result<SpoolReader::Entry> SpoolReader::next() {
  TRY(fill(entry_header_bytes));
  ByteReader header(as_bytes(window_).subspan(window_at_));
  const auto size = header.little<std::uint32_t>();
  const Xid subtransaction{header.little<std::uint32_t>()};
  TRY(fill(entry_header_bytes + size));
  const Bytes message = as_bytes(window_).subspan(window_at_ + entry_header_bytes, size);
  window_at_ += entry_header_bytes + size;
  return Entry{message, rolled_back(subtransaction)};
}

// Makes `wanted` bytes of the window unread ones.
Result<> SpoolReader::fill(std::size_t wanted) {
  const std::size_t unread = window_.size() - window_at_;
  if (unread >= wanted) return {};
  CHECK(file_);  // in memory the messages are whole
  const std::uint64_t left = spool_.file_bytes() - read_;
  const auto more = std::min<std::uint64_t>(std::max(wanted - unread, read_bytes), left);
  window_.erase(0, window_at_);
  window_at_ = 0;
  window_.resize(unread + more);
  const std::span<char> into(window_.data() + unread, more);
  const std::size_t got = TRY(file_->read_at(read_, std::as_writable_bytes(into)));
  if (got < more || unread + more < wanted) {
    return Error{.fault = Fault::Transient,
                 .sqlstate = "58030",
                 .message = fmt::format("read {}: it became shorter", spool_.path_.string()),
                 .hint = "Something else changes files in the data folder; this is tried again."};
  }
  file_->give_back(read_, more);
  read_ += more;
  return {};
}

bool SpoolReader::rolled_back(Xid subtransaction) {
  if (last_asked_ == subtransaction) return last_answer_;
  last_asked_ = subtransaction;
  last_answer_ = std::ranges::binary_search(spool_.aborted_, subtransaction);
  return last_answer_;
}

// ------------------------------------------------------------------------------------------ Spools

Result<Spools> Spools::open(SpoolOptions options) {
  std::error_code failed;
  fs::remove_all(options.folder, failed);
  if (!failed) fs::create_directories(options.folder, failed);
  if (failed) return io_error("empty folder", options.folder, failed.value());
  return Spools(std::move(options));
}

bool Spools::begin(Xid transaction) {
  const auto name = fmt::format("{}.spool", static_cast<std::uint32_t>(transaction));
  return spools_.try_emplace(transaction, options_.folder / name).second;
}

Result<> Spools::append(Xid transaction, Xid subtransaction, char kind, Bytes body) {
  Spool& spool = spools_.at(transaction);
  forget(spool);
  const Result<> appended = spool.append(subtransaction, kind, body);
  memory_bytes_ += spool.memory_bytes();
  file_bytes_ += spool.file_bytes();
  TRY(appended);
  return make_room();
}

Result<> Spools::make_room() {
  while (memory_bytes_ > options_.memory_bytes_max) {
    const auto largest = std::ranges::max_element(
        spools_, {}, [](const auto& named) { return named.second.memory_bytes(); });
    forget(largest->second);
    const Result<> written = largest->second.write_out();
    memory_bytes_ += largest->second.memory_bytes();
    file_bytes_ += largest->second.file_bytes();
    TRY(written);
  }
  return {};
}

void Spools::abort(Xid transaction, Xid subtransaction) {
  const auto found = spools_.find(transaction);
  if (found == spools_.end()) return;
  if (transaction != subtransaction) return found->second.abort(subtransaction);
  forget(found->second);
  spools_.erase(found);
}

Result<SpoolReader> Spools::take(Xid transaction) {
  auto taken = spools_.extract(transaction);
  CHECK(!taken.empty());
  forget(taken.mapped());
  return SpoolReader::open(std::move(taken.mapped()));
}

void Spools::forget(const Spool& spool) {
  memory_bytes_ -= spool.memory_bytes();
  file_bytes_ -= spool.file_bytes();
}

}  // namespace freshet::source
