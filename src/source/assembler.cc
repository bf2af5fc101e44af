#include "source/assembler.h"

#include <utility>

#include "postgres/ddl_message.h"
#include "postgres/sqlstate.h"
#include "source/line_commit.h"
#include "source/server_time.h"

namespace freshet::source {

namespace {

Error protocol_error(std::string message) {
  return {.sqlstate = postgres::sqlstate::protocol_violation, .message = std::move(message)};
}

bool concerns_us(Bytes message) {
  const auto kind = static_cast<char>(message[0]);
  return kind != 'B' && kind != 'O' && kind != 'C';
}

}  // namespace

Assembler::Assembler(std::uint64_t part_bytes_max, std::optional<Spools> spools)
    : part_bytes_max_(part_bytes_max), spools_(std::move(spools)) {}

Result<> Assembler::take(Bytes message) {
  CHECK(!ready());
  ByteReader reader(message);
  switch (reader.big<char>()) {
    case 'B': return begin(reader, message);
    case 'C': return commit(reader, message);
    case 'S': return stream_start(reader);
    case 'E':
      if (!block_) return protocol_error("the server ended a block that it had not begun");
      block_.reset();
      return {};
    case 'c': return stream_commit(reader);
    case 'A': return stream_abort(reader);
    case 'M': return logical_message(reader, message);
    default: break;
  }
  if (block_) return stream_change(message);
  if (!open_) return protocol_error("the server sent a change outside a transaction");
  keep(message);
  ready_ = messages_.size() >= part_bytes_max_;
  return {};
}

Result<Received> Assembler::give() {
  if (committed_) TRY(gather_committed());
  if (!std::exchange(ready_, false)) return Received{};
  const bool last = !open_;
  if (last && !has_rows_) {
    // Nothing of it concerns us (servers before 15 announce such transactions): only a position.
    messages_.clear();
    return Received{
        .part = {}, .idle_at = part_.end_lsn, .ddl_told = std::exchange(ddl_told_, false)};
  }
  TransactionPart part = part_;
  part.first = std::exchange(first_, false);
  part.last = last;
  if (!last) part.end_lsn = {};
  part.messages = as_bytes(messages_);
  given_ = true;
  return Received{.part = part, .idle_at = {}, .ddl_told = last && std::exchange(ddl_told_, false)};
}

// ---------------------------------------------------------------------------- whole transactions

Result<> Assembler::begin(ByteReader reader, Bytes message) {
  if (open_ || block_) return protocol_error("the server began a transaction within another");
  part_ = {};
  part_.commit_lsn = Lsn{reader.big<std::uint64_t>()};
  part_.commit_time = from_server_time(reader.big<std::int64_t>());
  if (!reader.ok()) return protocol_error("the server sent half a Begin message");
  start_transaction();
  keep(message);
  return {};
}

Result<> Assembler::commit(ByteReader reader, Bytes message) {
  if (!open_) return protocol_error("the server sent a commit without a transaction");
  const Lsn began = part_.commit_lsn;
  TRY(read_commit(reader));
  if (part_.commit_lsn != began) {
    return protocol_error("the server sent a commit that does not belong to its transaction");
  }
  keep(message);
  open_ = false;
  ready_ = true;
  return {};
}

// What Commit and Stream Commit have in common.
Result<> Assembler::read_commit(ByteReader& reader) {
  reader.big<std::uint8_t>();  // flags
  part_.commit_lsn = Lsn{reader.big<std::uint64_t>()};
  part_.end_lsn = Lsn{reader.big<std::uint64_t>()};
  part_.commit_time = from_server_time(reader.big<std::int64_t>());
  if (!reader.ok() || part_.end_lsn <= part_.commit_lsn) {
    return protocol_error("the server sent a commit that makes no sense");
  }
  return {};
}

void Assembler::start_transaction() {
  forget_given();
  open_ = true;
  first_ = true;
  has_rows_ = false;
}

void Assembler::keep(Bytes message) {
  if (given_) forget_given();
  has_rows_ = has_rows_ || concerns_us(message);
  ByteWriter writer(messages_);
  writer.little(static_cast<std::uint32_t>(message.size()));
  writer.bytes(message);
}

void Assembler::forget_given() {
  given_ = false;
  messages_.clear();
  // One row of hundreds of megabytes is no reason to keep that much for ever.
  if (messages_.capacity() > 16 * part_bytes_max_) messages_.shrink_to_fit();
}

// Some stand outside of transactions: they are nobody's here.
Result<> Assembler::logical_message(ByteReader reader, Bytes message) {
  if (block_) reader.big<std::uint32_t>();  // the transaction's id
  const auto told = postgres::parse_ddl_message(reader);
  if (!told || (!open_ && !block_)) return {};
  if (block_) {
    ddl_told_in_.insert(*block_);
    return told->rewritten ? stream_change(message) : Result<>();
  }
  ddl_told_ = true;
  if (told->rewritten) keep(message);
  return {};
}

// ------------------------------------------------------------------------- streamed transactions

Result<> Assembler::stream_start(ByteReader reader) {
  const Xid xid{reader.big<std::uint32_t>()};
  const bool is_first = reader.big<std::uint8_t>() != 0;
  if (!reader.ok() || !spools_ || open_ || block_) {
    return protocol_error("the server began a block where there can be none");
  }
  if (is_first && spools_->full()) {
    return protocol_error("the server streams more transactions than can be in progress");
  }
  // Without its first block, only a piece of the transaction would be here.
  const bool in_order = is_first ? spools_->begin(xid) : spools_->contains(xid);
  if (!in_order) return protocol_error("the server sent the blocks of a transaction out of order");
  block_ = xid;
  return {};
}

// Within a block the id of the subtransaction comes before the body, but for Origin messages. It is
// taken out: what is handed over looks as if it had come after its commit.
Result<> Assembler::stream_change(Bytes message) {
  ByteReader reader(message);
  const char kind = reader.big<char>();
  const Xid subtransaction = kind == 'O' ? *block_ : Xid{reader.big<std::uint32_t>()};
  if (!reader.ok()) return protocol_error("the server sent half a message");
  return spools_->append(*block_, subtransaction, kind, reader.rest());
}

Result<> Assembler::stream_commit(ByteReader reader) {
  const Xid xid{reader.big<std::uint32_t>()};
  if (open_ || block_ || !spools_ || !spools_->contains(xid)) {
    return protocol_error("the server committed a transaction that it had not streamed");
  }
  part_ = {};
  TRY(read_commit(reader));
  ddl_told_ = ddl_told_in_.erase(xid) > 0 || ddl_told_;
  return give_spool(xid);
}

// What waited in the spool goes out behind a Begin, as if it had come after its commit.
Result<> Assembler::give_spool(Xid xid) {
  committed_.emplace(TRY(spools_->take(xid)));
  start_transaction();
  std::string begin;
  ByteWriter writer(begin);
  writer.big('B');
  writer.big(part_.commit_lsn.value);
  writer.big(to_server_time(part_.commit_time));
  writer.big(static_cast<std::uint32_t>(xid));
  keep(as_bytes(begin));
  return {};
}

Result<> Assembler::stream_abort(ByteReader reader) {
  const Xid xid{reader.big<std::uint32_t>()};
  const Xid subtransaction{reader.big<std::uint32_t>()};
  if (!reader.ok() || open_ || block_ || !spools_) {
    return protocol_error("the server rolled back a transaction where there can be none");
  }
  spools_->abort(xid, subtransaction);
  if (subtransaction == xid) ddl_told_in_.erase(xid);
  return {};
}

// Reads the next part of the committed transaction, and at its end puts the commit behind it.
Result<> Assembler::gather_committed() {
  // What was rolled back makes no part; this bounds the time until the caller is asked again.
  const std::uint64_t looked_bytes_max = 16 * part_bytes_max_;
  std::uint64_t looked = 0;
  while (!committed_->at_end()) {
    const SpoolReader::Entry entry = TRY(committed_->next());
    if (!entry.rolled_back) keep(entry.message);
    ready_ = !given_ && messages_.size() >= part_bytes_max_;
    looked += entry.message.size();
    if (ready_ || looked >= looked_bytes_max) return {};
  }
  committed_.reset();
  std::string commit;
  ByteWriter writer(commit);
  writer.big('C');
  writer.big(std::uint8_t{0});  // flags
  writer.big(part_.commit_lsn.value);
  writer.big(part_.end_lsn.value);
  writer.big(to_server_time(part_.commit_time));
  keep(as_bytes(commit));
  open_ = false;
  ready_ = true;
  return {};
}

// ----------------------------------------------------------------------- lines of test_decoding

namespace {

// Lines of one transaction come without those of another between.
constexpr Xid of_lines{0};

bool is_boundary(std::string_view line, std::string_view word) {
  return line.starts_with(word) && (line.size() == word.size() || line[word.size()] == ' ');
}

}  // namespace

Result<> Assembler::take_line(std::string_view line, Lsn at) {
  CHECK(!ready() && spools_);
  // Logical messages: some stand outside of transactions, and none is a change.
  if (line.starts_with("message: ")) return {};
  if (is_boundary(line, "BEGIN")) {
    if (block_) return protocol_error("the server began a transaction within another");
    spools_->begin(of_lines);
    block_ = of_lines;
    return {};
  }
  if (!block_) return protocol_error("the server sent a line outside a transaction");
  if (is_boundary(line, "COMMIT")) return line_commit(line, at);
  return spools_->append(of_lines, of_lines, test_decoding_line, as_bytes(line));
}

// The server gives the end of the commit record, and not its start. A record ends where the next
// one can begin: so the byte before stands for the start wherever positions are compared with it.
Result<> Assembler::line_commit(std::string_view line, Lsn at) {
  const std::optional<Time> time = commit_time_of(line);
  if (!time || at == Lsn{}) return protocol_error("the server sent a commit that makes no sense");
  part_ = {};
  part_.commit_lsn = Lsn{at.value - 1};
  part_.end_lsn = at;
  part_.commit_time = *time;
  block_.reset();
  return give_spool(of_lines);
}

}  // namespace freshet::source
