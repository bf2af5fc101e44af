// Catching up: brings tables whose copy is finished, and tables that were paused, to the position
// the live ones have reached, by reading the stream again for them alone, and lets them go live
// there.
//
// It works in slices between the batches of the live tables, which never stand still for longer
// than a slice.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

#include "base/result.h"
#include "collection/store.h"
#include "decode/decoder.h"
#include "model/change.h"
#include "server/altered_tables.h"
#include "server/board.h"
#include "stream/stream.h"

namespace freshet::server {

// Used by the apply thread, between two batches.
class CatchUp {
 public:
  CatchUp(const stream::Stream& stream, AlteredTables& altered_tables, Board& board);
  ~CatchUp();

  struct Outcome {
    bool some_live = false;  // some table has gone live, or cannot be followed
    bool more = false;       // something can go on at once
    bool all_there = false;  // nothing is behind, but for what waits to go live with the others
  };
  // Whether each table goes live as soon as it can, or waits until the caller lets all of them.
  enum class GoLive { EachAlone, Together };
  // One slice for everything that is behind() and whose copy is not ahead of `seen`. `applied` is
  // where the live tables are.
  Result<Outcome> step(collection::Writer& writer, Offset applied, Lsn seen, GoLive how,
                       std::chrono::milliseconds limit, std::stop_token stop);
  // The stream is needed from here on.
  std::optional<Offset> needed_from(const collection::Writer& writer) const;

 private:
  struct Group;
  using Records = std::vector<collection::TableRecord>;

  void regroup(const Records& behind, Offset applied, Lsn seen);
  Result<bool> replay(collection::Writer& writer, Group& group, Offset until, GoLive how,
                      std::chrono::milliseconds limit, std::stop_token stop);
  Result<> follow_altered(collection::Writer& writer, Group& group, const decode::Altered& altered,
                          const std::stop_token& stop);
  Result<> learn_labels(collection::Writer& writer, Group& group, const std::stop_token& stop);
  void drop(Group& group, const std::vector<ChangeSet::Stopped>& stopped);
  void settle_stopped(Group& group);
  void show(const Group& group, Offset until);

  const stream::Stream& stream_;
  AlteredTables& altered_tables_;
  Board& board_;
  std::vector<std::unique_ptr<Group>> groups_;
  bool some_stopped_ = false;
};

}  // namespace freshet::server
