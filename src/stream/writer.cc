#include "stream/writer.h"

#include <fmt/format.h>

#include <utility>

#include "base/failpoint.h"
#include "stream/format.h"

namespace freshet::stream {
namespace {

// Appending costs a copy into the buffer; a write this large costs nothing per transaction.
constexpr std::size_t buffer_bytes_max = 1 << 20;

}  // namespace

Writer::Writer(std::filesystem::path folder, StreamOptions options, Offset file_first, File file,
               End end)
    : folder_(std::move(folder)),
      options_(options),
      file_first_(file_first),
      file_(std::move(file)),
      written_(end.offset.value),
      complete_(end),
      durable_(end) {
  buffer_.reserve(buffer_bytes_max);
}

Result<> Writer::append(const TransactionPart& part) {
  if (failed_) return *failed_;
  if (part.messages.size() > options_.record_bytes_max) {
    return Error{.sqlstate = "54000",
                 .message = fmt::format("append to stream: {} bytes are over the limit of {}",
                                        part.messages.size(), options_.record_bytes_max)};
  }
  if (part.first) {
    skipping_ = !TRY(begin_transaction(part.commit_lsn));
  }
  if (skipping_) {
    skipping_ = !part.last;
    return {};
  }
  CHECK(part.first || in_transaction_);
  TRY(put(part));
  in_transaction_ = !part.last;
  if (part.last) complete_ = {end(), part.end_lsn};
  return {};
}

// False when the stream has the transaction already. After an interruption the source sends again
// from durable() on; what was appended beyond it and not synced comes a second time, and what was
// interrupted in the middle comes from its beginning.
Result<bool> Writer::begin_transaction(Lsn commit_lsn) {
  TRY(drop_unfinished());
  if (commit_lsn < durable_.lsn) {
    return Error{.sqlstate = "55000",
                 .message = fmt::format("append to stream: a transaction at {} lies before {}, "
                                        "where the stream ends",
                                        to_string(commit_lsn), to_string(durable_.lsn)),
                 .detail = "The positions of a source never go back.",
                 .hint =
                     "If the source was restored from a backup or failed over to a server that "
                     "was behind, drop it and create it again."};
  }
  if (commit_lsn < complete_.lsn) return false;
  const std::uint64_t file_bytes = sizeof(FileHeader) + end().value - file_first_.value;
  if (file_bytes >= options_.file_bytes_max) TRY(begin_file());
  return true;
}

// Nobody has seen an unfinished transaction: readers are shown complete ones only.
Result<> Writer::drop_unfinished() {
  if (!in_transaction_) return {};
  const std::uint64_t keep = complete_.offset.value;
  if (keep >= written_) {
    buffer_.resize(keep - written_);
  } else {
    buffer_.clear();
    written_ = keep;
    TRY(file_.truncate(sizeof(FileHeader) + written_ - file_first_.value));
  }
  in_transaction_ = false;
  return {};
}

// The old file is whole and safe before there is a new one: recovery relies on it.
Result<> Writer::begin_file() {
  TRY(write_out());
  TRY(sync_file());
  FAILPOINT("stream.roll.before");
  file_ = TRY(create_file(folder_, complete_).context("begin stream file"));
  file_first_ = complete_.offset;
  return {};
}

Result<> Writer::put(const TransactionPart& part) {
  const std::size_t record_bytes = sizeof(RecordHeader) + part.messages.size();
  if (buffer_.size() + record_bytes > buffer_bytes_max) TRY(write_out());
  const RecordHeader header = record_header(part, end(), durable_.offset);
  if (record_bytes <= buffer_bytes_max) {
    buffer_.append(as_text(bytes_of(header)));
    buffer_.append(as_text(part.messages));
    return {};
  }
  const std::uint64_t before = written_;
  TRY(write(bytes_of(header)));
  Result<> put_messages = write(part.messages);
  if (!put_messages.ok()) written_ = before;  // the header alone is no record
  return put_messages;
}

Result<> Writer::write_out() {
  if (buffer_.empty()) return {};
  TRY(write(as_bytes(buffer_)));
  buffer_.clear();
  return {};
}

// All of `bytes` behind what is written, or nothing.
Result<> Writer::write(Bytes bytes) {
  const std::uint64_t position = sizeof(FileHeader) + written_ - file_first_.value;
  FAILPOINT("stream.write.before");
  Result<> put = file_.write_at(position, bytes);
  if (!put.ok()) {
    // Gives the disk back what a partial write took. If it fails too, nothing is lost: the bytes
    // are written over, and recovery takes them for a torn tail.
    ignore(file_.truncate(position));
    return std::move(put).context("append to stream");
  }
  written_ += bytes.size();
  return {};
}

Result<> Writer::sync() {
  if (failed_) return *failed_;
  TRY(write_out());
  // Parts of an unfinished transaction can wait: after a crash they would be cut off anyway.
  if (complete_.offset == durable_.offset) return {};
  return sync_file();
}

Result<> Writer::sync_file() {
  FAILPOINT("stream.sync.before");
  Result<> synced = file_.sync();
  if (!synced.ok()) {
    failed_ = synced.error();
    failed_->hint = "Check the disk, then restart Freshet: it goes on from what is safely stored.";
    return *failed_;
  }
  FAILPOINT("stream.sync.after");
  durable_ = complete_;
  return {};
}

}  // namespace freshet::stream
