#include "server/receive.h"

#include <algorithm>

#include "base/failpoint.h"
#include "observe/metrics.h"

namespace freshet::server {

namespace {

// More than this is synced even when more is waiting: it bounds what a crash makes us receive
// again.
constexpr std::uint64_t unsynced_bytes_max = 4 << 20;
// How long a quiet connection is waited for before looking at the stop token's other duties.
constexpr std::chrono::milliseconds quiet{200};
// How often an idle position is stored at most. A source that shuts down waits for its
// confirmation.
constexpr std::chrono::milliseconds idle_interval{1000};

}  // namespace

Receive::Receive(source::Replication& replication, stream::Stream& stream, Handover& handover,
                 Board& board)
    : replication_(replication), stream_(stream), handover_(handover), board_(board) {}

Result<> Receive::run(std::stop_token stop) {
  progress_.durable = stream_.durable().lsn;
  progress_.received = progress_.durable;
  while (!stop.stop_requested()) {
    const source::Received received = TRY(replication_.next(stop, quiet));
    if (received.part) TRY(keep(*received.part));
    if (received.idle_at) idle_ = std::max(idle_, *received.idle_at);
    // While more is waiting in the socket's buffer, one sync can serve it too.
    const bool more = replication_.has_more() && stream_.unsynced_bytes() < unsynced_bytes_max;
    if (!more) TRY(sync_and_confirm());
  }
  TRY(sync_and_confirm());
  replication_.stop();
  return {};
}

Result<> Receive::keep(const TransactionPart& part) {
  // After a crash of the source its slot goes back and sends again what we have.
  if (part.first) skipping_ = part.commit_lsn < progress_.durable;
  if (skipping_) return {};
  TRY(stream_.append(part));
  inside_transaction_ = !part.last;
  if (part.last) progress_.received = part.end_lsn;
  static observe::Counter& received_bytes =
      observe::counter("freshet_source_received_bytes_total", "Bytes of changes received.");
  received_bytes.add(static_cast<double>(part.messages.size()));
  return {};
}

// An idle position goes into the stream as an empty transaction before it is confirmed: what the
// slot says is confirmed must be known here after a crash, or it would look as if changes had been
// skipped.
Result<> Receive::keep_idle_position() {
  const stream::End end = stream_.durable();
  if (idle_ <= end.lsn) return {};
  handover_.idle.update([&](Idle& idle) { idle = {idle_, end.offset}; });
  // It would end the transaction that is being received: the stream takes one after the other.
  if (inside_transaction_) return {};
  const auto now = std::chrono::steady_clock::now();
  if (now - idle_kept_ < idle_interval) return {};
  idle_kept_ = now;
  TRY(stream_.append({.commit_lsn = idle_, .end_lsn = idle_, .messages = {}}));
  FAILPOINT("receive.idle.before_sync");
  return stream_.sync();
}

Result<> Receive::sync_and_confirm() {
  if (stream_.unsynced_bytes() > 0) TRY(stream_.sync());
  TRY(keep_idle_position());
  const stream::End end = stream_.durable();
  progress_.durable = std::max(progress_.durable, end.lsn);
  progress_.received = std::max(progress_.received, progress_.durable);
  if (progress_.durable > progress_.confirmed) {
    FAILPOINT("receive.confirm.before");
    TRY(replication_.confirm(progress_.durable));
    FAILPOINT("receive.confirm.after");
    progress_.confirmed = progress_.durable;
  }
  CHECK(progress_.holds());
  board_.with([&](SourceFacts& facts) {
    facts.progress = progress_;
    facts.stream_end = end.offset;
    facts.source_flushed = std::max({facts.source_flushed, end.lsn, idle_});
  });
  return {};
}

}  // namespace freshet::server
