// What the store records about sources and tables, in schema _meta of its database.
//
//   _meta.installation  one row: eight characters that tell this store from all others
//   _meta.sources    one row per source
//   _meta.choices    patterns of tables that were added to a source or dropped from it, in order
//   _meta.tables     one row per table, with the view that shows it and the layout of its segments
//   _meta.columns    one row per column of a table
//   _meta.constants  what rows that are older than a column have in it, where that is not null
//   _meta.derivations  what a collection is made of that is no mirror: one row each
//   _meta.rejects    rows for which a transformation failed, the newest of each collection
//   _meta.segments   which segments hold a table's rows, oldest first; or an old copy's, which the
//                    view shows until the new one is there (shown)
//
// Small tables, changed by deleting and inserting rows in the transaction that changes the
// collection itself. The hot part, dead rows and positions, is in journal.h.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "collection/layout.h"
#include "collection/live_rows.h"
#include "collection/store.h"
#include "engine/connection.h"
#include "transform/definition.h"

namespace freshet::collection {

// What a collection is made of that is no mirror. The table is known by its id; once it is gone,
// another of its name takes its place.
struct Derivation {
  TableId table{};
  std::string schema;
  std::string name;
  transform::Definition definition;
};

struct StoredTable {
  TableRecord record;
  std::optional<Derivation> derivation{};
  std::optional<ViewName> view;     // nothing while no query can see the table
  std::vector<SegmentId> segments;  // oldest first
  // While a new copy catches up the view still shows the old one, which lies in these.
  std::vector<SegmentId> shown;
  std::uint64_t layout = 0;  // layout_of() the schema that `segments` can be read by
  Constants constants;

  // Is made by a transformation.
  bool derived() const { return derivation.has_value(); }
  // Was paused, and is visible as it was then while its changes since are replayed.
  bool resuming() const {
    return !derived() && record.state == TableState::CatchingUp && view && shown.empty();
  }
};

struct Definitions {
  std::string installation;
  std::vector<SourceRecord> sources;  // without `applied`
  std::vector<StoredTable> tables;
};

// Columns, in order, by identity and type: segments that can be read by a schema can be read by
// another of the same layout, whatever its columns are called.
std::uint64_t layout_of(const TableSchema& schema);

Result<> create_definitions(engine::Connection& connection);
Result<Definitions> load_definitions(engine::Connection& connection);

Result<> save_source(engine::Connection& connection, const SourceRecord& source);
Result<> erase_source(engine::Connection& connection, SourceId source);
// Replaces what is recorded. All of one source.
Result<> save_tables(engine::Connection& connection, std::span<const StoredTable* const> tables);
Result<> erase_tables(engine::Connection& connection, SourceId source,
                      std::span<const TableId> tables);

}  // namespace freshet::collection
