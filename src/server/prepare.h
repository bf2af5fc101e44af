// What happens before a source can be followed: is it possible at all, which tables, are
// publication and slot there, does what it offers continue what we have. Publication first, slot
// second: a slot only delivers what was published when it was made. Through test_decoding there is
// no publication, and no mark on one (source/mark.h).
//
// A source whose record says that no slot was created is begun, or begun anew: whatever is left of
// slot and stream goes, every table is copied, and the rows that were there before stay readable
// until the new ones are complete. A crash on the way leaves the record as it is: it is begun
// again.
#pragma once

#include <filesystem>
#include <memory>
#include <stop_token>
#include <vector>

#include "base/result.h"
#include "collection/store.h"
#include "server/board.h"
#include "server/config.h"
#include "snapshot/snapshot.h"
#include "source/continuity.h"
#include "source/lease.h"
#include "source/slot.h"
#include "stream/stream.h"

namespace freshet::server {

struct Prepared {
  collection::SourceRecord record;
  source::Names names;
  // Holds the lease on the source (source/lease.h): to be used every few seconds.
  std::unique_ptr<postgres::Connection> control;
  source::Known known;
  postgres::SystemId system;
  std::unique_ptr<stream::Stream> stream;
  std::unique_ptr<collection::Writer> writer;
  postgres::Plugin plugin = postgres::Plugin::Pgoutput;  // that the slot has
  bool binary = true;  // values are sent so: every column has a binary form we know
  // Of the slot that was made just now; null when the slot was there.
  std::unique_ptr<snapshot::Snapshot> first_snapshot;
};

// Blocking problems of the source come out as its first Error, Permanent, with a hint; stale
// (source/continuity.h) when it does not continue what we have. `streams`: the folder of all
// streams.
Result<Prepared> prepare(const SourceConfig& config, const std::filesystem::path& streams,
                         const source::Owner& owner, collection::Store& store, Board& board,
                         std::stop_token stop);

}  // namespace freshet::server
