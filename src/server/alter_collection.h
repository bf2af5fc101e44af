// ALTER COLLECTION … PAUSE | RESUME | RESYNC: from one state of a table to another.
//
//   PAUSE    live → paused: its rows stay as they are, its changes wait in the stream
//   RESUME   paused → catching_up → live, from where it was paused
//   RESYNC   live, failed or paused → copied again; what is visible stays so until the new rows
//   take
//            its place at one position
#pragma once

#include <memory>

#include "base/result.h"
#include "collection/store.h"
#include "query/commands.h"
#include "server/requests.h"

namespace freshet::server {

struct Altered {
  Notes notes;
  bool copy_wanted = false;  // some table waits for a copy now
};

// Called by the thread that holds the source's writer, between transactions. `applied` is where its
// live tables are.
Result<Altered> alter_collection(const query::AlterCollection& asked,
                                 const collection::Store& store, SourceId source,
                                 collection::Writer& writer, Offset applied);

// The same for any command that is about one collection.
Result<Altered> run_command(const query::Command& command, const collection::Store& store,
                            SourceId source, collection::Writer& writer, Offset applied);

}  // namespace freshet::server
