// Finds out where a stream's files end after a stop of any kind, and mends the end.
//
// Older files were synced before the next one was begun: their headers and sizes must fit together,
// their records are checked when they are read. The last file is read from its beginning. Where its
// good records stop, it is either the end, or a tail that was being written when the machine
// stopped, which is cut off, or damage to something synced, which is Corruption. recover.cc says
// how these are told apart.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "stream/stream.h"

namespace freshet::stream {

struct Recovered {
  std::vector<Offset> files;  // the first offset of each, ascending; at least one
  File last;                  // open for writing; synced up to `end`
  End end;                    // of the last complete transaction
  std::uint64_t cut_bytes = 0;
  std::optional<TransactionMark> last_transaction;  // with messages, in any of the files
  Lsn begin_lsn;                                    // end LSN of what lies before the files
};

Result<Recovered> recover(const std::filesystem::path& folder, const StreamOptions& options);

// A new, synced file under its final name. No file, or a whole one: never a half one.
Result<File> create_file(const std::filesystem::path& folder, End before);

}  // namespace freshet::stream
