// What the catalog says of tables, put into effect: between two batches, once everything that was
// committed before the catalog was read has been applied.
#pragma once

#include "base/result.h"
#include "collection/store.h"
#include "model/position.h"
#include "server/catalog_news.h"

namespace freshet::server {

// True when some table is to be copied. News of tables that have changed since they were told are
// left alone: they are told again. One version shows all that was altered.
Result<bool> take_news(const CatalogNews& news, const collection::Store& store, SourceId source,
                       collection::Writer& writer, const Applied& applied);

}  // namespace freshet::server
