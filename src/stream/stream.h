// The stream of one source: a durable log of its transactions, in files of the data folder.
//
// One thread appends and syncs; readers on other threads see what sync() has returned for. A reader
// that keeps up reads from the page cache, one that is behind reads from the disk: the same code.
// The file format, with a worked example, is docs/formats/stream.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>

#include "base/guarded.h"
#include "base/result.h"
#include "model/position.h"
#include "model/transaction.h"
#include "stream/retention.h"

namespace freshet::stream {

struct StreamOptions {
  std::uint64_t file_bytes_max = 64 << 20;  // a new file starts at the first transaction beyond
  // A longer record is corruption. PostgreSQL sends no message above 1 GiB, and a part has little
  // else in it.
  std::uint64_t record_bytes_max = (1ULL << 30) + (64 << 20);
};

// Where the stream ends: everything below `offset` is there after a crash.
struct End {
  Offset offset;
  Lsn lsn;  // end LSN of the last complete transaction; zero when there is none
};

// What tells a transaction from all others, also from those of another history of the same source
// that have the same positions.
struct TransactionMark {
  Lsn commit_lsn;
  Time commit_time{};  // in microseconds, by the source's clock
  friend bool operator==(const TransactionMark&, const TransactionMark&) = default;
};

class Reader;

class Stream {
 public:
  // Opens or creates. A torn record or an unfinished transaction at the very end is cut off; damage
  // anywhere else is Corruption.
  static Result<std::unique_ptr<Stream>> open(const std::filesystem::path& folder,
                                              StreamOptions options);
  ~Stream();

  // For the receiving thread. append() buffers; a crash may lose it until sync() returns.
  //
  // A transient error (53100: the disk is full) loses nothing: the part was not appended, what was
  // appended before stays and is written later. The same part may be tried again, or the source may
  // be asked to send again from durable().lsn: an interrupted transaction is then replaced, one
  // appended but not yet synced is taken once. One from before durable().lsn is refused (55000).
  Result<> append(const TransactionPart& part);
  Result<> sync();
  // Bytes appended and not yet synced.
  std::uint64_t unsynced_bytes() const;

  // As the files said when they were opened: the last transaction in them, idle positions left out;
  // and the position at which the oldest of them begins.
  std::optional<TransactionMark> last_transaction() const;
  Lsn begin_lsn() const;

  // Any thread.
  End durable() const;
  Offset begin() const;  // of the oldest transaction still kept
  std::uint64_t kept_bytes() const;
  // `from` is begin(), an end given by a Reader, or the end of the stream.
  Result<std::unique_ptr<Reader>> read_from(Offset from) const;
  // Removes files that lie wholly below `offset` and need not be kept for anything else. One thread
  // at a time.
  Result<> retire(Offset below, const Retention& retention = {});

  struct State;

 private:
  explicit Stream(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

// A record as read back. `messages` lives as long as `memory`.
struct Record {
  TransactionPart part;
  Offset begin;
  Offset end;  // where the next record begins
  std::shared_ptr<const void> memory;
};

class Reader {
 public:
  virtual ~Reader() = default;
  // The next durable record; nothing when there is none within `wait` or when asked to stop.
  virtual Result<std::optional<Record>> next(std::stop_token stop,
                                             std::chrono::milliseconds wait) = 0;
};

}  // namespace freshet::stream
