// The writing end of a stream: one thread appends to the last file and begins the next.
//
// What is appended waits in a buffer of bounded size. A disk that is full costs nothing: what could
// not be written stays appended, and the next append() or sync() tries again. A failed sync is
// final, because the kernel may have dropped what it could not write.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/file.h"
#include "base/result.h"
#include "model/transaction.h"
#include "stream/recover.h"
#include "stream/stream.h"

namespace freshet::stream {

class Writer {
 public:
  Writer(std::filesystem::path folder, StreamOptions options, Offset file_first, File file,
         End end);

  Result<> append(const TransactionPart& part);
  Result<> sync();

  std::uint64_t unsynced_bytes() const { return written_ + buffer_.size() - durable_.offset.value; }
  End durable() const { return durable_; }
  Offset file_first() const { return file_first_; }  // of the file being written

 private:
  Result<bool> begin_transaction(Lsn commit_lsn);
  Result<> drop_unfinished();
  Result<> begin_file();
  Result<> put(const TransactionPart& part);
  Result<> write_out();
  Result<> write(Bytes bytes);
  Result<> sync_file();
  Offset end() const { return {written_ + buffer_.size()}; }

  const std::filesystem::path folder_;
  const StreamOptions options_;
  Offset file_first_;
  File file_;
  std::uint64_t written_;  // offset up to which the file has the bytes
  std::string buffer_;     // what comes behind
  End complete_;           // of the last complete transaction appended
  End durable_;            // of the last complete transaction synced; ≤ complete_
  bool in_transaction_ = false;
  bool skipping_ = false;  // the parts of a transaction that came a second time
  std::optional<Error> failed_;
};

}  // namespace freshet::stream
