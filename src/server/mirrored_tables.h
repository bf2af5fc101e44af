// Which tables of a source are mirrored, and how a table of its catalog is recorded.
#pragma once

#include "base/result.h"
#include "collection/store.h"
#include "postgres/catalog.h"
#include "server/config.h"

namespace freshet::server {

// What is configured, and what was added and dropped since.
Result<postgres::TablePatterns> patterns_of(const SourceConfig& config,
                                            const collection::SourceRecord& record);

// As it is recorded when it is new here: it waits for its copy, or says why it cannot be mirrored.
collection::TableRecord record_for(SourceId source, const postgres::CatalogTable& table);

}  // namespace freshet::server
