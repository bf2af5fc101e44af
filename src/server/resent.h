// What a source sends again: transactions that are here already.
//
// A slot's stored position can lie behind what was received: after a crash of the source, after a
// promotion, and in a source that was put back to an earlier state by copying its files. Everything
// from there on is asked for, skipped up to what we have, and compared with it: the last
// transaction that was received must come again just as it was, and none that was never received
// may lie before it ends. So a source that lives another history is found out before anything of it
// is kept, although its positions may look like those we know.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>

#include "base/result.h"
#include "model/position.h"
#include "model/transaction.h"
#include "stream/stream.h"

namespace freshet::server {

// One thread.
class Resent {
 public:
  struct Options {
    std::string source{};  // its name, for messages
    Lsn from{};            // the slot's position: what commits at or above is sent
    Lsn end{};             // of what is here
    // Where the memory of what is here begins, which is long ago: a slot that went back further
    // cannot be compared.
    Lsn begin{};
    std::optional<stream::TransactionMark> last{};  // of the last transaction since `begin`
  };
  explicit Resent(Options options);

  // Nothing more can come a second time; what was here when it began may be confirmed.
  bool over() const { return passed_ >= options_.end; }
  // A transaction, part by part; true when it is here already. Stale when it is not one of ours.
  Result<bool> take(const TransactionPart& part);
  // The source has sent every commit that ends at or below `lsn`.
  Result<> pass(Lsn lsn);

  // The server describes a table only before its first row of a connection, which may have been in
  // a transaction that was skipped. Such descriptions, put behind the Begin of the first part of a
  // transaction that is kept. Valid until the next call.
  TransactionPart with_descriptions(const TransactionPart& part);

 private:
  Error diverged(std::string message) const;
  void keep_descriptions(Bytes messages);

  Options options_;
  bool last_seen_;
  Lsn passed_;
  bool skipping_ = false;
  std::unordered_map<std::string, std::string> descriptions_;  // newest, by kind and id
  std::string messages_;
};

}  // namespace freshet::server
