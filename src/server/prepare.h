// What happens before a source can be followed: is it possible at all, which tables, are
// publication and slot there, is it still the same server. Publication first, slot second: a slot
// only delivers what was published when it was made.
#pragma once

#include <memory>
#include <stop_token>
#include <vector>

#include "base/result.h"
#include "collection/store.h"
#include "server/board.h"
#include "server/config.h"
#include "snapshot/snapshot.h"
#include "source/lease.h"
#include "source/slot.h"

namespace freshet::server {

struct Prepared {
  collection::SourceRecord record;
  source::Names names;
  // Holds the lease on the source (source/lease.h): to be used every few seconds.
  std::unique_ptr<postgres::Connection> control;
  std::unique_ptr<collection::Writer> writer;
  bool binary = true;  // every column has a binary form we know
  // Of the slot that was made just now; null when the slot was there.
  std::unique_ptr<snapshot::Snapshot> first_snapshot;
};

// Blocking problems of the source come out as its first Error, Permanent, with a hint.
Result<Prepared> prepare(const SourceConfig& config, const source::Owner& owner,
                         collection::Store& store, Board& board, std::stop_token stop);

}  // namespace freshet::server
