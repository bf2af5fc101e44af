// The watch: asks the source once a second for its clock, the end of its WAL and what our slot
// holds back, so that lag and its cause can be told. The path of the data never waits for it.
#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "postgres/connection.h"
#include "server/board.h"

namespace freshet::server {

// One thread. Never fails: without answers the numbers are just old, and receive says why.
class Watch {
 public:
  Watch(std::string url, std::string slot, Board& board);
  Result<> run(std::stop_token stop);

 private:
  Result<> ask(postgres::Connection& connection);

  std::string url_;
  std::string slot_;
  Board& board_;
};

}  // namespace freshet::server
