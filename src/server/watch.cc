#include "server/watch.h"

#include <utility>

#include "observe/log.h"
#include "postgres/sqlstate.h"

namespace freshet::server {

namespace {

constexpr std::chrono::milliseconds interval{1000};
// A server that is slower than this to say where it is counts as gone, until it answers again.
constexpr std::chrono::milliseconds answers_within{5000};

}  // namespace

Watch::Watch(std::string url, source::Names names, const source::Owner& owner,
             std::unique_ptr<postgres::Connection> connection, Board& board)
    : url_(std::move(url)),
      names_(std::move(names)),
      owner_(owner),
      connection_(std::move(connection)),
      board_(board) {}

Result<> Watch::run(std::stop_token stop) {
  Guarded<bool> never;
  if (connection_) connection_->limit_answers(stop, answers_within);
  while (!stop.stop_requested()) {
    if (!connection_) TRY(connect(stop));
    if (connection_ && !ask(*connection_).ok()) connection_.reset();
    never.wait_for(stop, interval, [](bool) { return false; });
  }
  return {};
}

// The lease went with the old connection.
Result<> Watch::connect(std::stop_token stop) {
  auto connected = postgres::Connection::connect(
      url_, {.application_name = owner_.application_name(), .stop = stop});
  if (!connected.ok()) return {};
  (*connected)->limit_answers(std::move(stop), answers_within);
  const Result<> leased = source::take_lease(**connected, names_, owner_);
  if (leased.ok()) {
    connection_ = *std::move(connected);
    return {};
  }
  if (leased.error().sqlstate == postgres::sqlstate::object_in_use) return leased;
  return {};
}

Result<> Watch::ask(postgres::Connection& connection) {
  const auto asked_at = std::chrono::steady_clock::now();
  const auto before = std::chrono::system_clock::now();
  const source::SourceClock clock = TRY(source::source_clock(connection));
  const auto after = std::chrono::system_clock::now();
  const source::SlotStatus slot = TRY(source::slot_status(connection, names_.slot));
  // The answer was made somewhere between; the middle is the best guess.
  const auto ours =
      std::chrono::time_point_cast<std::chrono::microseconds>(before + (after - before) / 2);
  wal_rate_.see(asked_at, clock.flushed);
  warn_of_loss(slot);
  board_.with([&](SourceFacts& facts) {
    facts.source_flushed = std::max(facts.source_flushed, clock.flushed);
    facts.flushed_asked_at = asked_at;
    facts.clock_offset = clock.now - ours;
    facts.retained_wal_bytes = slot.retained_wal_bytes;
    facts.wal_status = slot.wal_status;
    facts.safe_wal_bytes = slot.safe_wal_bytes;
    facts.wal_bytes_per_second = wal_rate_.bytes_per_second();
    facts.slot_holder_pid = slot.active_pid;
    if (!slot.holder_waits) {
      facts.slot_holder_waits_since.reset();
    } else if (!facts.slot_holder_waits_since) {
      facts.slot_holder_waits_since = asked_at;
    }
  });
  return {};
}

// Once for each time.
void Watch::warn_of_loss(const source::SlotStatus& slot) {
  const bool endangered = slot.wal_status == "unreserved";
  if (endangered && !endangered_) {
    observe::warn("slot is about to be lost",
                  {{"slot", names_.slot},
                   {"retained_wal_bytes", slot.retained_wal_bytes},
                   {"hint",
                    "The next checkpoint of the source may remove WAL that we have not "
                    "received: raise max_slot_wal_keep_size there."}});
  }
  endangered_ = endangered;
}

}  // namespace freshet::server
