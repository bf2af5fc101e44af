// Puts transactions together from the messages of one replication connection.
//
// Small transactions come whole, after their commit: Begin, changes, Commit. Large ones come while
// they run (servers from 14 on, when asked): blocks between Stream Start and Stream Stop, with
// other transactions in between, then Stream Commit or Stream Abort. They wait in spools and are
// handed over at their commit, in the shape of ordinary ones, so that nobody behind this sees a
// difference.
//
// Lines of test_decoding come whole, after their commit, and only the last one tells where it is:
// they wait in a spool too.
//
// Of logical messages only those of our own triggers count (ddl_trigger.h): that something happened
// is passed on as a word of it, and the message itself goes on where decode has to know the place.
//
// It looks at message kinds and commit boundaries only; what the messages say is decode's business.
// One thread. Source: PostgreSQL documentation, "Logical Replication Message Formats".
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "model/position.h"
#include "model/transaction.h"
#include "source/spool.h"

namespace freshet::source {

// What came. The bytes are valid until the next call.
struct Received {
  std::optional<TransactionPart> part;
  std::optional<Lsn> idle_at;  // every commit that ends at or below was received already
  bool ddl_told = false;       // a transaction that ended here altered tables (ddl_trigger.h)
};

class Assembler {
 public:
  // `part_bytes_max`: a transaction is handed over in parts of about this size.
  Assembler(std::uint64_t part_bytes_max, std::optional<Spools> spools);

  // The next message. Only when nothing is ready.
  Result<> take(Bytes message);
  // The same with a line of test_decoding, and the position that the server gave with it. Needs
  // spools.
  Result<> take_line(std::string_view line, Lsn at);
  // Whether give() has something.
  bool ready() const { return ready_ || committed_; }
  // The next part, or the position of a transaction in which nothing concerns us. Neither when
  // messages that were rolled back were all that it met; then it is asked again.
  Result<Received> give();

  // Whether the message that begins so would only be kept for later.
  bool spools(std::byte kind) const { return block_ || kind == std::byte{'S'}; }
  // Whether a line would be, for longer: those of a small transaction are soon at their end.
  bool spools_lines() const { return block_ && spooled_bytes() >= part_bytes_max_; }

  // Between the first and the last message of something: positions that come now say nothing.
  bool inside() const { return open_ || block_ || ready(); }
  // Kept of transactions in progress, in memory and in files.
  std::uint64_t spooled_bytes() const { return spools_ ? spools_->bytes() : 0; }

 private:
  Result<> begin(ByteReader reader, Bytes message);
  Result<> commit(ByteReader reader, Bytes message);
  Result<> logical_message(ByteReader reader, Bytes message);
  Result<> stream_start(ByteReader reader);
  Result<> stream_change(Bytes message);
  Result<> stream_commit(ByteReader reader);
  Result<> stream_abort(ByteReader reader);
  Result<> read_commit(ByteReader& reader);
  Result<> line_commit(std::string_view line, Lsn at);
  Result<> give_spool(Xid xid);
  Result<> gather_committed();
  void start_transaction();
  void keep(Bytes message);
  void forget_given();

  std::uint64_t part_bytes_max_;
  std::optional<Spools> spools_;  // nothing: the server was not asked to stream

  // The transaction that is being put together. Its messages gather here until they are given.
  std::string messages_;
  TransactionPart part_;
  bool open_ = false;      // it began and has not ended
  bool first_ = true;      // no part of it was given yet
  bool has_rows_ = false;  // something other than Begin, Origin and Commit
  bool ready_ = false;
  bool given_ = false;  // `messages_` belongs to what was given last: to be cleared

  bool ddl_told_ = false;  // see Received

  std::optional<Xid> block_;              // inside a block of this transaction
  std::set<Xid> ddl_told_in_;             // streamed transactions that have not ended
  std::optional<SpoolReader> committed_;  // a streamed transaction that is being given
};

}  // namespace freshet::source
