#include "server/watch.h"

#include <utility>

#include "source/slot.h"

namespace freshet::server {

namespace {

constexpr std::chrono::milliseconds interval{1000};

}  // namespace

Watch::Watch(std::string url, std::string slot, Board& board)
    : url_(std::move(url)), slot_(std::move(slot)), board_(board) {}

Result<> Watch::run(std::stop_token stop) {
  std::unique_ptr<postgres::Connection> connection;
  Guarded<bool> never;
  while (!stop.stop_requested()) {
    if (!connection) {
      auto connected = postgres::Connection::connect(url_, {});
      if (connected.ok()) connection = *std::move(connected);
    }
    if (connection && !ask(*connection).ok()) connection.reset();
    never.wait_for(stop, interval, [](bool) { return false; });
  }
  return {};
}

Result<> Watch::ask(postgres::Connection& connection) {
  const auto asked_at = std::chrono::steady_clock::now();
  const auto before = std::chrono::system_clock::now();
  const source::SourceClock clock = TRY(source::source_clock(connection));
  const auto after = std::chrono::system_clock::now();
  const source::SlotStatus slot = TRY(source::slot_status(connection, slot_));
  // The answer was made somewhere between; the middle is the best guess.
  const auto ours =
      std::chrono::time_point_cast<std::chrono::microseconds>(before + (after - before) / 2);
  board_.with([&](SourceFacts& facts) {
    facts.source_flushed = std::max(facts.source_flushed, clock.flushed);
    facts.flushed_asked_at = asked_at;
    facts.clock_offset = clock.now - ours;
    facts.retained_wal_bytes = slot.retained_wal_bytes;
  });
  return {};
}

}  // namespace freshet::server
