// CREATE, DROP and RESYNC of collections that transformations make.
#pragma once

#include <string>

#include "base/result.h"
#include "collection/store.h"
#include "query/commands.h"
#include "server/requests.h"

namespace freshet::server {

// Called by the thread that holds the source's writer, between transactions. They return when what
// was asked for is recorded; the writer's tidy() fills the collection.
Result<Notes> create_collection(const query::CreateCollection& asked,
                                const collection::Store& store, SourceId source,
                                collection::Writer& writer);
Result<Notes> drop_collection(const query::DropCollection& asked, const collection::Store& store,
                              SourceId source, collection::Writer& writer);
Result<Notes> refill_collection(const query::AlterCollection& asked,
                                const collection::DerivedRecord& derived,
                                collection::Writer& writer);

}  // namespace freshet::server
