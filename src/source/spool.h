// Where the messages of transactions wait that the server streams to us before they commit.
//
// A transaction in progress is a spool: its messages in order, each with the subtransaction it
// belongs to, because a savepoint may still be rolled back. Small spools stay in memory; when all
// of them together pass a bound, the largest goes to its file. Nothing here is synced: after an
// interruption the server sends unfinished transactions again from their first message.
//
// One thread. Source: PostgreSQL documentation, "Streaming of Large Transactions for Logical
// Decoding" and "Logical Replication Message Formats", protocol version 2.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/file.h"
#include "base/result.h"

namespace freshet::source {

// Of a transaction or a subtransaction, as the server counts them: 32 bits, which wrap.
enum class Xid : std::uint32_t {};

struct SpoolOptions {
  std::filesystem::path folder{};            // ours alone: made when needed, emptied at start
  std::uint64_t memory_bytes_max = 8 << 20;  // of all spools together, beside their files
  // More transactions cannot be in progress: PostgreSQL's own limit for connections.
  std::size_t count_max = 262'143;
};

// The messages of one transaction. Without a lock or a thread of its own: Spools owns it.
class Spool {
 public:
  explicit Spool(std::filesystem::path path) : path_(std::move(path)) {}
  ~Spool();
  Spool(Spool&& other) noexcept;
  Spool& operator=(Spool&&) = delete;

  // `kind` and `body` make one message.
  Result<> append(Xid subtransaction, char kind, Bytes body);
  // Its messages do not count. Costs four bytes of memory until the end.
  void abort(Xid subtransaction) { aborted_.push_back(subtransaction); }
  Result<> write_out();

  std::uint64_t memory_bytes() const { return buffer_.size(); }
  std::uint64_t file_bytes() const { return written_; }

 private:
  friend class SpoolReader;

  Result<> write(Bytes bytes);

  std::filesystem::path path_;
  std::uint64_t written_ = 0;  // to the file, which there is when it is not zero
  std::string buffer_;         // what comes behind
  std::vector<Xid> aborted_;
};

// Reads a spool whose transaction has committed, and gives its disk space back on the way.
class SpoolReader {
 public:
  static Result<SpoolReader> open(Spool spool);

  struct Entry {
    Bytes message;  // valid until the next call
    bool rolled_back = false;
  };
  Result<Entry> next();  // not at the end
  bool at_end() const { return read_ == spool_.file_bytes() && window_at_ == window_.size(); }

 private:
  SpoolReader(Spool spool, std::optional<File> file);
  Result<> fill(std::size_t wanted);
  bool rolled_back(Xid subtransaction);

  Spool spool_;
  std::optional<File> file_;  // nothing: all of it is in the window
  std::uint64_t read_ = 0;    // of the file, into the window
  std::string window_;
  std::size_t window_at_ = 0;
  std::optional<Xid> last_asked_;  // messages of a subtransaction come in runs
  bool last_answer_ = false;
};

class Spools {
 public:
  // Removes what an earlier process left in the folder.
  static Result<Spools> open(SpoolOptions options);

  // False when there is one of that transaction already.
  bool begin(Xid transaction);
  bool contains(Xid transaction) const { return spools_.contains(transaction); }
  bool full() const { return spools_.size() >= options_.count_max; }

  // 53100, transient, when the disk is full: the transaction is then incomplete here, and the
  // connection has to be started again.
  Result<> append(Xid transaction, Xid subtransaction, char kind, Bytes body);
  // Drops a subtransaction's messages, or the whole transaction. One that is not here is ignored.
  void abort(Xid transaction, Xid subtransaction);
  // Takes a transaction that has committed out of here.
  Result<SpoolReader> take(Xid transaction);

  // In memory and in files.
  std::uint64_t bytes() const { return memory_bytes_ + file_bytes_; }

 private:
  explicit Spools(SpoolOptions options) : options_(std::move(options)) {}
  Result<> make_room();
  void forget(const Spool& spool);

  SpoolOptions options_;
  std::unordered_map<Xid, Spool> spools_;
  std::uint64_t memory_bytes_ = 0;
  std::uint64_t file_bytes_ = 0;
};

}  // namespace freshet::source
