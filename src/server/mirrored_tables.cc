#include "server/mirrored_tables.h"

#include <memory>

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
  if (!table.why_not.empty()) {
    record.state = collection::TableState::Failed;
    record.last_error = "cannot be mirrored: " + table.why_not;
  }
  return record;
}

}  // namespace freshet::server
