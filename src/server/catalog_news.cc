#include "server/catalog_news.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>
#include <utility>

#include "postgres/shape.h"
#include "server/mirrored_tables.h"
#include "server/new_labels.h"
#include "server/shape_change.h"

namespace freshet::server {

namespace {

using collection::TableRecord;
using collection::TableState;
using postgres::CatalogState;
using postgres::CatalogTable;
using postgres::Connection;

// What pgoutput would say about the table.
decode::Relation relation_of(const TableSchema& schema) {
  decode::Relation relation{.table = schema.id, .columns = {}};
  relation.identity = schema.identity == Identity::Full ? 'f' : 'd';
  for (const ColumnSchema& column : schema.columns) {
    relation.columns.push_back(
        {column.name, column.declared_type(), column.declared_typmod(), column.in_key});
  }
  return relation;
}

bool same_numbers(const TableSchema& one, const TableSchema& other) {
  return std::ranges::equal(one.columns, other.columns, {}, &ColumnSchema::attnum,
                            &ColumnSchema::attnum);
}

// The files of a table, or of each partition.
std::map<std::string, std::string> files_of(const std::string& text) {
  std::map<std::string, std::string> files;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string one = text.substr(at, end - at);
    const std::size_t colon = std::min(one.find(':'), one.size());
    if (one != "-") files[one.substr(0, colon)] = one;
    at = end + 1;
  }
  return files;
}

// Partitions that were made as such, and not attached later: none of their rows is older.
Result<bool> were_made_as_partitions(Connection& connection, const std::set<std::string>& oids) {
  std::string list;
  for (const std::string& oid : oids) list += (list.empty() ? "" : ",") + oid;
  // Both in one command: what was attached has its columns from an earlier one.
  const postgres::Rows rows = TRY(connection.query(fmt::format(
      "SELECT count(*) FROM pg_catalog.pg_inherits i WHERE i.inhrelid IN ({0}) AND EXISTS ("
      "SELECT 1 FROM pg_catalog.pg_attribute a WHERE a.attrelid = i.inhrelid AND a.attnum < 0 AND "
      "a.xmin::text = i.xmin::text AND i.cmin::text::bigint - a.cmin::text::bigint <= 1)",
      list)));
  return rows.rows.at(0)[0] == std::to_string(oids.size());
}

Result<std::optional<std::string>> partitions_changed(Connection& connection,
                                                      const CatalogState& before,
                                                      const CatalogState& now) {
  const auto old_files = files_of(before.files);
  const auto new_files = files_of(now.files);
  for (const auto& [oid, file] : old_files) {
    const auto found = new_files.find(oid);
    if (found == new_files.end()) return std::optional<std::string>("a partition has gone");
    if (found->second != file) {
      return std::optional<std::string>("a partition was emptied or rewritten");
    }
  }
  std::set<std::string> added;
  for (const auto& [oid, file] : new_files) {
    if (!old_files.contains(oid)) added.insert(oid);
  }
  if (added.empty() || TRY(were_made_as_partitions(connection, added))) {
    return std::optional<std::string>();
  }
  return std::optional<std::string>("a partition was attached");
}

}  // namespace

Result<CatalogNews> CatalogReader::compare(Connection& connection,
                                           const std::vector<TableRecord>& records,
                                           const std::vector<CatalogTable>& tables,
                                           const postgres::TablePatterns& patterns) {
  CatalogNews news;
  std::map<TableId, const CatalogTable*> present;
  std::set<std::string> names;
  for (const CatalogTable& table : tables) {
    present[table.schema.id] = &table;
    names.insert(table.schema.qualified_name());
  }
  for (const TableRecord& record : records) {
    if (record.source != source_) continue;
    const TableId id = record.schema->id;
    const auto found = present.find(id);
    if (found == present.end()) {
      const bool replaced = names.contains(record.schema->qualified_name()) ||
                            !patterns.match(record.schema->schema, record.schema->name);
      if (!replaced && record.state == TableState::Failed) continue;
      news.tables.push_back({id, record.schema, TableNews::Gone{replaced}});
      continue;
    }
    if (auto about = TRY(look_at(connection, record, *found->second, *news.arena))) {
      news.tables.push_back(*std::move(about));
    }
    present.erase(found);
  }
  for (const auto& [id, table] : present) {
    news.tables.push_back({id, nullptr, TableNews::Came{record_for(source_, *table)}});
  }
  return news;
}

Result<std::optional<TableNews>> CatalogReader::look_at(Connection& connection,
                                                        const TableRecord& record,
                                                        const CatalogTable& table, Arena& arena) {
  const auto news = [&](auto what) {
    return std::optional(TableNews{table.schema.id, record.schema, std::move(what)});
  };
  const Identity before = record.schema->identity;
  const bool catching_up = record.state == TableState::CatchingUp || record.resync;
  if (catching_up && before != Identity::None && table.schema.identity == Identity::None) {
    return news(TableNews::CopyAgain{"updates and deletes of it are not sent any more"});
  }
  // One that waits is copied as it is then; one that catches up is looked at when it is live.
  if (record.state != TableState::Live || record.resync) return std::optional<TableNews>();
  if (!table.why_not.empty()) return news(TableNews::Refused{table.why_not});
  if (before == Identity::None && table.schema.identity != before) {
    return news(TableNews::CopyAgain{"updates and deletes of it can be mirrored now"});
  }
  if (table.schema == *record.schema && table.catalog == record.catalog) {
    return std::optional<TableNews>();
  }
  if (renamed_label(*record.schema, table.schema)) {
    return news(TableNews::Resync{"a label was renamed", table.catalog});
  }
  if (table.schema != *record.schema) return altered(connection, record, table, arena);
  if (auto reason = TRY(rows_changed(connection, record, table))) {
    return news(TableNews::Resync{*std::move(reason), table.catalog});
  }
  return news(TableNews::Noted{table.catalog});
}

Result<std::optional<TableNews>> CatalogReader::altered(Connection& connection,
                                                        const TableRecord& record,
                                                        const CatalogTable& table, Arena& arena) {
  const auto news = [&](auto what) {
    return std::optional(TableNews{table.schema.id, record.schema, std::move(what)});
  };
  // Lines know a table by its name: what came under the new one until now was not for us.
  const std::string name = table.schema.qualified_name();
  if (plugin_ == postgres::Plugin::TestDecoding && name != record.schema->qualified_name()) {
    return news(TableNews::CopyAgain{"it is called " + name});
  }
  const decode::Relation relation = relation_of(table.schema);
  std::string what = decode::difference(*record.schema, relation);
  if (plugin_ == postgres::Plugin::TestDecoding && !same_identity(*record.schema, table.schema)) {
    return news(TableNews::CopyAgain{what + ", and lines do not tell since when"});
  }
  if (what.empty()) {
    if (!same_numbers(*record.schema, table.schema)) {
      return news(TableNews::CopyAgain{
          "a column was dropped and another of the same name and type was added"});
    }
    // The table has another name, or a column may be null now.
    if (auto reason = TRY(rows_changed(connection, record, table))) {
      return news(TableNews::CopyAgain{*std::move(reason)});
    }
    auto schema = std::make_shared<const TableSchema>(table.schema);
    const bool renamed = name != record.schema->qualified_name();
    return news(
        TableNews::Altered{{.schema = std::move(schema), .catalog = table.catalog},
                           renamed ? "it is called " + name : "what its types are made of"});
  }
  const auto shape = TRY(postgres::read_shape(connection, table.schema.id, plugin_));
  // It is being altered just now: the next look will tell.
  if (!shape || shape->state.to_text() != table.catalog) return std::optional<TableNews>();
  ShapeChange change = shape_change({record.schema, record.catalog, binary_}, relation, *shape,
                                    Catalog::TheSame, arena);
  if (const auto* again = std::get_if<CopyAgain>(&change)) {
    return news(TableNews::CopyAgain{what + ", and " + again->reason});
  }
  auto& alteration = std::get<collection::Alteration>(change);
  auto named = std::make_shared<TableSchema>(*alteration.schema);
  named->schema = table.schema.schema;
  named->name = table.schema.name;
  alteration.schema = std::move(named);
  return news(TableNews::Altered{std::move(alteration), std::move(what)});
}

// Why rows of a table of the same shape may not be what they were, although nothing came for them.
Result<std::optional<std::string>> CatalogReader::rows_changed(Connection& connection,
                                                               const TableRecord& record,
                                                               const CatalogTable& table) {
  const auto because = [](const char* reason) { return std::optional<std::string>(reason); };
  const auto before = CatalogState::parse(record.catalog);
  const auto now = CatalogState::parse(table.catalog);
  if (!before || !now) return because("it is not known whether its rows were rewritten");
  if (before->files == now->files) return std::optional<std::string>();
  if (table.partitioned) return partitions_changed(connection, *before, *now);
  // TRUNCATE, VACUUM FULL and CLUSTER make new files, too, and leave the columns alone.
  if (connection.server_version() < 110000) return because("it was emptied or rewritten");
  if (before->versions != now->versions) return because("its rows may have been rewritten");
  return std::optional<std::string>();
}

}  // namespace freshet::server
