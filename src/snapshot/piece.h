// A piece of a table: what one COPY reads. Pieces of one table, read under one snapshot, are the
// whole table, each row once; so several connections can share it.
//
//   server 14 and newer   ranges of pages (ctid), which it scans without looking at the others
//   before                ranges of the primary key's first column, where its bounds are known
//   partitioned tables    leaf by leaf, large leaves cut further
//
// A table that cannot be cut, or is too small to be worth it, is one piece.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "postgres/catalog.h"
#include "postgres/connection.h"

namespace freshet::snapshot {

struct Piece {
  std::string from;  // as SQL names the table or the leaf
  bool with_partitions = false;
  std::string condition{};  // of its rows; empty: all
};

struct CutOptions {
  unsigned workers = 1;  // who will share the pieces; alone one needs none
  // A COPY costs a millisecond or two to begin, a large one at the end leaves the others idle.
  std::uint64_t piece_bytes_min = 8 << 20;
  std::uint64_t piece_bytes_max = 1 << 30;
};

// In the transaction that will read the first of them, with the table locked. Never empty.
Result<std::vector<Piece>> cut(postgres::Connection& connection,
                               const postgres::CatalogTable& table, const CutOptions& options);

}  // namespace freshet::snapshot
