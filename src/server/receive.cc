#include "server/receive.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/failpoint.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "postgres/sqlstate.h"

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
// The source is asked for a sign of life every second.
constexpr std::chrono::seconds silence_max{15};
constexpr std::chrono::minutes silence_of_work_max{10};
// Between two pieces of work a walsender waits for moments only.
constexpr std::chrono::seconds waiting_is_silence{5};
// How often a resting stage looks for room.
constexpr std::chrono::milliseconds rest_interval{100};
// The watch asks the source every second.
constexpr std::chrono::seconds gone_after{3};

}  // namespace

Receive::Receive(source::Replication& replication, stream::Stream& stream, Resent resent, Room room,
                 Handover& handover, Board& board)
    : replication_(replication),
      stream_(stream),
      resent_(std::move(resent)),
      room_(std::move(room)),
      handover_(handover),
      board_(board) {}

Result<> Receive::run(std::stop_token stop) {
  progress_.durable = stream_.durable().lsn;
  progress_.received = progress_.durable;
  while (!stop.stop_requested()) {
    if (const auto missing = TRY(shortage())) {
      TRY(rest(*missing, stop));
      continue;
    }
    const source::Received received = TRY(replication_.next(stop, quiet));
    if (!received.part && !received.idle_at) TRY(check_silence());
    if (received.part) TRY(keep(*received.part));
    ddl_told_ = ddl_told_ || received.ddl_told;
    if (received.idle_at) {
      TRY(resent_.pass(*received.idle_at));
      idle_ = std::max(idle_, *received.idle_at);
    }
    // While more is waiting in the socket's buffer, one sync can serve it too.
    const bool more = replication_.has_more() && stream_.unsynced_bytes() < unsynced_bytes_max;
    if (more) continue;
    TRY(sync_and_confirm());
    // Now, because a commit that waits for our confirmation is not visible before.
    if (std::exchange(ddl_told_, false)) wish_for_a_look();
  }
  TRY(sync_and_confirm());
  replication_.stop();
  return {};
}

Result<> Receive::keep(const TransactionPart& part) {
  const bool is_here = TRY(resent_.take(part));
  if (is_here) return {};
  TRY(stream_.append(resent_.with_descriptions(part)));
  inside_transaction_ = !part.last;
  if (part.last) progress_.received = part.end_lsn;
  static observe::Counter& received_bytes =
      observe::counter("freshet_source_received_bytes_total", "Bytes of changes received.");
  received_bytes.add(static_cast<double>(part.messages.size()));
  return {};
}

void Receive::wish_for_a_look() {
  static observe::Counter& told =
      observe::counter("freshet_source_ddl_told_total", "Times the source told of altered tables.");
  told.add(1);
  handover_.looks_wanted.update([](std::uint64_t& count) { ++count; });
}

// A network can swallow everything without an error, and TCP's own keepalives may end at a box in
// between that answers them. A server that decodes a large transaction of somebody else's may be
// silent, too: then the watch sees our walsender at work, and starting again would only make it
// read everything again. One that waits has been asked for a sign of life, and its answer got lost.
Result<> Receive::check_silence() const {
  const auto silence = replication_.silent_for();
  if (silence < silence_max) return {};
  const bool at_work = board_.with([](const SourceFacts& facts) {
    const auto now = std::chrono::steady_clock::now();
    const bool waits =
        facts.slot_holder_waits_since && now - *facts.slot_holder_waits_since > waiting_is_silence;
    return now - facts.flushed_asked_at < silence_max && facts.slot_holder_pid != 0 &&
           facts.slot_holder_pid == facts.walsender_pid && !waits;
  });
  if (at_work && silence < silence_of_work_max) return {};
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(silence).count();
  return Error{.fault = Fault::Transient,
               .sqlstate = postgres::sqlstate::connection_failure,
               .message = fmt::format("nothing has come from the source for {} s", seconds),
               .hint = "The network between may drop connections that it has forgotten."};
}

// In the middle of a transaction the stream's limit does not count: apply gets nothing of it before
// its end, so waiting for apply would be waiting for ever.
Result<std::optional<Shortage>> Receive::shortage() {
  std::optional<std::uint64_t> waiting;
  if (const auto needed = handover_.needed_from.get(); needed && !inside_transaction_) {
    waiting = stream_.durable().offset.value - needed->value;
  }
  return room_.look(waiting);
}

Result<> Receive::rest(const Shortage& first, std::stop_token stop) {
  const auto since = std::chrono::steady_clock::now();
  TRY(sync_and_confirm());
  observe::warn("receiving rests", {{"reason", first.message}, {"hint", first.hint}});
  board_.with(
      [&](SourceFacts& facts) { facts.news.push_back(first.message + "\n  " + first.hint); });
  Guarded<bool> never;
  std::optional<Shortage> missing = first;
  while (missing && !stop.stop_requested()) {
    board_.with([&](SourceFacts& facts) {
      facts.rest = {.message = missing->message, .hint = missing->hint, .since = since};
    });
    TRY(replication_.answer());
    TRY(check_source_is_there(since));
    never.wait_for(stop, rest_interval, [](bool) { return false; });
    missing = TRY(shortage());
  }
  board_.with([&](SourceFacts& facts) { facts.rest.reset(); });
  observe::info("receiving goes on", {});
  return {};
}

// A server that shuts down waits until we have taken what it has for us, but it lets nobody else
// in: then it is better not to be connected.
Result<> Receive::check_source_is_there(std::chrono::steady_clock::time_point since) const {
  const auto heard =
      std::max(since, board_.with([](const SourceFacts& facts) { return facts.flushed_asked_at; }));
  if (std::chrono::steady_clock::now() - heard < gone_after) return {};
  return Error{.fault = Fault::Transient,
               .sqlstate = postgres::sqlstate::connection_failure,
               .message = "the source went away while receiving rested"};
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
  // What is here may be confirmed once the source has shown that it has it, too.
  if (resent_.over() && progress_.durable > progress_.confirmed) {
    FAILPOINT("receive.confirm.before");
    TRY(replication_.confirm(progress_.durable));
    FAILPOINT("receive.confirm.after");
    progress_.confirmed = progress_.durable;
  }
  CHECK(progress_.holds());
  board_.with([&](SourceFacts& facts) {
    facts.progress = progress_;
    facts.stream_end = end.offset;
    facts.spool_bytes = replication_.spooled_bytes();
    facts.source_flushed = std::max({facts.source_flushed, end.lsn, idle_});
  });
  return {};
}

}  // namespace freshet::server
