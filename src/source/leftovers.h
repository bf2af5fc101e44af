// What Freshet has on a source, in one list: what `freshet drop-source` shows and removes.
//
// Whoever makes something new on a source adds its kind to the list in leftovers.cc. What ends by
// itself is not in it: the lease, temporary slots, and the mark, which is a publication's comment.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "postgres/connection.h"
#include "source/slot.h"

namespace freshet::source {

struct Leftover {
  std::string kind{};  // "replication slot"
  std::string name{};
  std::string note{};       // "holds 64 MB of WAL", or empty
  std::string statement{};  // that removes it
  int reader_pid = 0;       // who reads the slot now
  // Has one of our names, and cannot be ours, or cannot be removed here: why. It is left alone.
  std::string why_not{};
};

// In the order in which they are removed: first what costs the source something.
Result<std::vector<Leftover>> find_leftovers(postgres::Connection& connection, const Names& names);

// Removes it; a reader of the slot is ended, whoever it is. One that is gone already is fine.
Result<> remove_leftover(postgres::Connection& connection, const Leftover& leftover);

// Sources under other names that left a slot or a publication in this database: "shop, shop_2".
Result<std::string> other_names(postgres::Connection& connection, const Names& names);

}  // namespace freshet::source
