// While a slot is made, which can take as long as somebody's open transaction: says on the board
// whom it waits for.
#pragma once

#include <string>
#include <thread>
#include <vector>

#include "model/schema.h"
#include "server/board.h"

namespace freshet::server {

// From construction to destruction the tables are shown to wait for the slot. A thread of its own
// asks the source, on a connection of its own, once the wait is no longer short.
class SlotWait {
 public:
  SlotWait(std::string url, const std::vector<const TableSchema*>& tables, Board& board);

 private:
  void run(std::stop_token stop);

  const std::string url_;
  Board& board_;
  std::jthread thread_;  // last: joined first
};

}  // namespace freshet::server
