#include "server/mirrored_tables.h"

#include <memory>

#include "observe/log.h"

namespace freshet::server {

Result<postgres::TablePatterns> patterns_of(const SourceConfig& config,
                                            const collection::SourceRecord& record) {
  postgres::TablePatterns patterns = TRY(postgres::TablePatterns::parse(config.tables));
  TRY(patterns.choose(record.choices).context("tables that were added to source " + config.name));
  return patterns;
}

collection::TableRecord record_for(SourceId source, const postgres::CatalogTable& table) {
  collection::TableRecord record;
  record.source = source;
  record.schema = std::make_shared<const TableSchema>(table.schema);
  record.inserts_only = table.schema.identity == Identity::None;
  if (!table.why_not.empty()) refuse(record, table.why_not);
  return record;
}

void widen(std::vector<postgres::CatalogTable>& tables,
           const std::vector<collection::TableRecord>& records, SourceId source) {
  for (const collection::TableRecord& record : records) {
    if (record.source != source || record.widened.empty()) continue;
    for (postgres::CatalogTable& table : tables) {
      if (table.schema.id == record.schema->id) widen(table.schema, record.widened);
    }
  }
}

void refuse(collection::TableRecord& record, const std::string& why) {
  record.state = collection::TableState::Failed;
  record.last_error = "cannot be mirrored: " + why;
}

void mark_dropped(collection::TableRecord& record) {
  record.state = collection::TableState::Failed;
  record.last_error = "dropped on the source; the rows are as they were";
}

void tell_stopped(const ChangeSet::Stopped& table) {
  if (table.widened) {
    observe::info("a value does not fit the type of its column, copying the table again",
                  {{"table", value(table.table)},
                   {"type", to_string(table.widened->type)},
                   {"reason", table.reason.message}});
  } else if (table.shape_changed) {
    observe::info("table changed shape, copying it again",
                  {{"table", value(table.table)}, {"reason", table.reason.message}});
  } else {
    observe::error("table failed",
                   {{"table", value(table.table)}, {"reason", table.reason.message}});
  }
}

}  // namespace freshet::server
