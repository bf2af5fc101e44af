#include "server/slot_wait.h"

#include <chrono>
#include <memory>
#include <utility>

#include "base/guarded.h"
#include "base/thread.h"
#include "postgres/connection.h"
#include "snapshot/waiting.h"

namespace freshet::server {

namespace {

using namespace std::chrono_literals;

constexpr const char* phase = "waiting for slot";
constexpr std::chrono::milliseconds short_wait = 500ms;
constexpr std::chrono::milliseconds ask_interval = 1s;
constexpr std::chrono::milliseconds answers_within = 10s;

Result<std::string> ask(const std::string& url, std::unique_ptr<postgres::Connection>& connection,
                        const std::stop_token& stop) {
  if (!connection) {
    connection = TRY(postgres::Connection::connect(url, {.stop = stop}));
    connection->limit_answers(stop, answers_within);
  }
  return snapshot::open_writers(*connection);
}

}  // namespace

SlotWait::SlotWait(std::string url, const std::vector<const TableSchema*>& tables, Board& board)
    : url_(std::move(url)), board_(board) {
  board_.with([&](SourceFacts& facts) {
    for (const TableSchema* table : tables) facts.copies[table->id].waits(*table, phase);
  });
  thread_ = std::jthread([this](std::stop_token stop) { run(std::move(stop)); });
}

void SlotWait::run(std::stop_token stop) {
  name_this_thread("slot wait");
  Guarded<bool> never;
  std::unique_ptr<postgres::Connection> connection;
  never.wait_for(stop, short_wait, [](bool) { return false; });
  while (!stop.stop_requested()) {
    const auto whom = ask(url_, connection, stop);
    if (!whom.ok()) connection.reset();
    board_.with([&](SourceFacts& facts) {
      for (auto& [id, copy] : facts.copies) {
        if (copy.phase == phase && whom.ok()) copy.waiting_for = *whom;
      }
    });
    never.wait_for(stop, ask_interval, [](bool) { return false; });
  }
}

}  // namespace freshet::server
