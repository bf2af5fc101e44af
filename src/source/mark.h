// Whose the slot and the publications on a source are: the publication's comment names the data
// folder that made them.
//
// A folder that has recorded that it was about to make a slot finds one after a crash, and drops it
// to begin again. The mark keeps it from dropping one that another folder has made meanwhile under
// the same name.
#pragma once

#include <string>

#include "base/result.h"
#include "postgres/connection.h"
#include "source/slot.h"

namespace freshet::source {

// Writes the mark, where it is not there yet. A publication that somebody else owns stays without.
Result<> mark(postgres::Connection& connection, const Names& names,
              const std::string& installation);

// Permanent 42710 when the mark is another folder's. Without a mark nothing is known, and it
// passes: as where there are no publications, before 10 and through test_decoding.
Result<> check_mark(postgres::Connection& connection, const Names& names,
                    const std::string& installation);

}  // namespace freshet::source
