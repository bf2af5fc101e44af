// What StatusView knows of collections that transformations make.
#include <algorithm>
#include <map>

#include "server/status_view.h"

namespace freshet::server {

namespace {

std::map<SourceId, std::string> source_names(const collection::Store& store) {
  std::map<SourceId, std::string> names;
  for (const collection::SourceRecord& record : store.sources()) names[record.id] = record.name;
  return names;
}

const query::TableStatus* find(const std::vector<query::TableStatus>& tables,
                               const std::string& source, const TableSchema& schema) {
  const auto found = std::ranges::find_if(tables, [&](const query::TableStatus& table) {
    return table.source == source && table.schema == schema.schema && table.name == schema.name;
  });
  return found == tables.end() ? nullptr : &*found;
}

std::shared_ptr<const TableSchema> schema_of(const std::vector<collection::TableRecord>& tables,
                                             const collection::DerivedRecord& derived) {
  for (const collection::TableRecord& record : tables) {
    if (record.source == derived.source && record.schema->id == derived.table) {
      return record.schema;
    }
  }
  return nullptr;
}

}  // namespace

// A collection is where its table is; while the table is not live, neither is what is made of it.
void StatusView::add_derived(std::vector<query::TableStatus>& mirrors) const {
  const auto names = source_names(store_);
  const std::vector<collection::TableRecord> tables = store_.tables();
  const std::vector<collection::TableNumbers> numbers = store_.numbers();
  std::vector<query::TableStatus> all;
  for (const collection::DerivedRecord& record : store_.derived()) {
    const auto schema = schema_of(tables, record);
    const query::TableStatus* table =
        schema == nullptr ? nullptr : find(mirrors, names.at(record.source), *schema);
    query::TableStatus status;
    if (table != nullptr) status = *table;
    status.source = names.at(record.source);
    status.schema = record.schema->schema;
    status.name = record.schema->name;
    status.rows = status.dead_rows = status.key_index_bytes = status.live_row_map_bytes = 0;
    for (const collection::TableNumbers& each : numbers) {
      if (each.source != record.source || each.table != record.schema->id) continue;
      status.rows = each.live_rows;
      status.dead_rows = each.dead_rows;
      status.key_index_bytes = each.index_bytes;
      status.live_row_map_bytes = each.bitset_bytes;
    }
    if (record.state != collection::TableState::Live) {
      status.state = std::string(to_string(record.state));
      status.last_error = record.last_error;
    } else if (table != nullptr && table->state != "live") {
      status.last_error = "table " + schema->qualified_name() + " is " + table->state +
                          (table->last_error.empty() ? "" : ": " + table->last_error);
    } else {
      status.last_error.clear();
    }
    all.push_back(std::move(status));
  }
  std::ranges::move(all, std::back_inserter(mirrors));
}

void StatusView::add_fillings(std::vector<query::ProgressStatus>& copies) const {
  const auto names = source_names(store_);
  const std::vector<collection::TableRecord> tables = store_.tables();
  const std::vector<collection::TableNumbers> numbers = store_.numbers();
  const auto rows_of = [&](SourceId source, TableId table) -> std::optional<std::uint64_t> {
    for (const collection::TableNumbers& each : numbers) {
      if (each.source == source && each.table == table) return each.live_rows;
    }
    return std::nullopt;
  };
  for (const collection::DerivedRecord& record : store_.derived()) {
    if (record.state != collection::TableState::CatchingUp) continue;
    const auto schema = schema_of(tables, record);
    query::ProgressStatus status;
    status.source = names.at(record.source);
    status.schema = record.schema->schema;
    status.name = record.schema->name;
    status.phase = "filling";
    if (schema != nullptr) status.waiting_for = "rows of " + schema->qualified_name();
    status.rows = rows_of(record.source, record.schema->id).value_or(0);
    status.rows_estimated = rows_of(record.source, record.table);
    copies.push_back(std::move(status));
  }
}

std::vector<query::DerivedStatus> StatusView::derived() const {
  const auto names = source_names(store_);
  const std::vector<collection::TableRecord> tables = store_.tables();
  std::vector<query::DerivedStatus> all;
  for (const collection::DerivedRecord& record : store_.derived()) {
    query::DerivedStatus status;
    status.source = names.at(record.source);
    status.schema = record.schema->schema;
    status.name = record.schema->name;
    status.sql = record.definition.sql;
    if (const auto table = schema_of(tables, record)) {
      status.table_schema = table->schema;
      status.table = table->name;
    }
    for (const ColumnSchema& column : record.schema->columns) {
      const bool hidden = column.name.starts_with(transform::hidden_prefix);
      if (column.in_key && !hidden) status.key.push_back(column.name);
    }
    if (record.definition.retention) {
      status.retention_seconds = record.definition.retention->count();
    }
    status.on_error = record.definition.on_error == transform::OnError::Stop ? "stop" : "reject";
    all.push_back(std::move(status));
  }
  return all;
}

Result<std::vector<query::RejectStatus>> StatusView::rejects() const {
  const auto names = source_names(store_);
  const auto collections = store_.derived();
  std::vector<query::RejectStatus> all;
  for (collection::RejectedRow& row : TRY(store_.rejected())) {
    const auto made = std::ranges::find_if(collections, [&](const auto& each) {
      return each.source == row.source && each.schema->id == row.collection;
    });
    if (made == collections.end()) continue;
    all.push_back({.source = names.at(row.source),
                   .schema = made->schema->schema,
                   .name = made->schema->name,
                   .number = row.number,
                   .came_at = std::move(row.at),
                   .lsn = std::move(row.lsn),
                   .sqlstate = std::move(row.sqlstate),
                   .message = std::move(row.message),
                   .row = std::move(row.row)});
  }
  return all;
}

}  // namespace freshet::server
