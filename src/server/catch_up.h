// Catching up: brings tables whose copy is finished to the position the live ones have reached, by
// reading the stream again for them alone, and lets them go live there.
#pragma once

#include <stop_token>
#include <vector>

#include "base/result.h"
#include "collection/store.h"
#include "server/board.h"
#include "stream/stream.h"

namespace freshet::server {

// Used by the apply thread, between two batches.
class CatchUp {
 public:
  CatchUp(collection::Store& store, collection::Writer& writer, SourceId source,
          const stream::Stream& stream, Board& board);

  // Handles every CatchingUp table whose snapshot is not ahead of `seen`. True when some table left
  // that state.
  Result<bool> run(Offset applied, Lsn seen, std::stop_token stop) const;

 private:
  using Group = std::vector<collection::TableRecord>;
  Result<bool> replay(const Group& group, Offset until, std::stop_token stop) const;
  Result<> drop_stopped(ChangeSet& changes, const Group& group) const;

  collection::Store& store_;
  collection::Writer& writer_;
  SourceId source_;
  const stream::Stream& stream_;
  Board& board_;
};

}  // namespace freshet::server
