// The relations every session sees besides the collections: freshet.sources, freshet.tables and
// freshet.progress, and the parts of pg_catalog and information_schema that clients ask for.
//
// They are views in the engine's schemas `freshet` and `_catalog` over table functions that answer
// from memory. Sessions read `pg_catalog.x` as `_catalog.x` (rewrite.h).
#pragma once

#include "base/result.h"
#include "collection/store.h"
#include "query/status.h"

namespace freshet::query {

// Once, after the store was opened and before the first session. Both outlive the store's queries.
Result<> register_system_relations(collection::Store& store, const Status& status);

}  // namespace freshet::query
