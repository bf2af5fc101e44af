// Which tables of a source are mirrored, and how it is recorded and told what becomes of them.
#pragma once

#include <string>

#include "base/result.h"
#include "collection/store.h"
#include "model/change.h"
#include "postgres/catalog.h"
#include "server/config.h"

namespace freshet::server {

// What is configured, and what was added and dropped since.
Result<postgres::TablePatterns> patterns_of(const SourceConfig& config,
                                            const collection::SourceRecord& record);

// As it is recorded when it is new here: it waits for its copy, or says why it cannot be mirrored.
collection::TableRecord record_for(SourceId source, const postgres::CatalogTable& table);

// Marks the record of a table that cannot be mirrored, or was dropped: its rows stay.
// Holds the columns wider that did not hold all of their values.
void widen(std::vector<postgres::CatalogTable>& tables,
           const std::vector<collection::TableRecord>& records, SourceId source);
void refuse(collection::TableRecord& record, const std::string& why);
void mark_dropped(collection::TableRecord& record);

// Says that a table was stopped: it waits for another copy, or has failed.
void tell_stopped(const ChangeSet::Stopped& table);

}  // namespace freshet::server
