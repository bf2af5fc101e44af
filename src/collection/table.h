// A table as its Writer works on it: its segments, its key index, and what the open transaction has
// changed so far.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "collection/definitions.h"
#include "collection/key_index.h"
#include "collection/row_key.h"
#include "collection/segment.h"

namespace freshet::collection {

// Nothing: not built yet, or the table has no identity.
using RowIndex = std::variant<std::monostate, IntegerIndex, HashIndex, MultiIndex>;

RowIndex empty_index(const TableSchema& schema);
std::uint64_t memory_bytes(const RowIndex& index);

struct Table {
  StoredTable stored;
  std::vector<Segment> segments;  // oldest first; the last one takes the next rows
  bool sealed = false;            // no, it does not: they go to a new one
  RowIndex index;
  RowKeys row_keys;  // of new rows and of what names old ones: two answers live at a time
  RowKeys old_keys;
  // Invisible and not recorded: it takes the place of the table of the same id once it has caught
  // up. Some of its segments may be that table's too.
  bool incoming = false;
  // A derived collection is being filled from its segments: they stay as they are.
  bool being_read = false;

  // Since the last commit.
  bool touched = false;
  bool view_stale = false;
  bool definition_stale = false;
  // How to go back, when the open transaction has several parts and an earlier one touched it.
  struct Before {
    StoredTable stored;
    std::vector<Segment> segments;
  };
  std::optional<Before> before;

  const TableSchema& schema() const { return *stored.record.schema; }
  TableId id() const { return stored.record.schema->id; }
  ViewName view_name() const { return {schema().schema, schema().name}; }
  bool takes_changes() const {
    return stored.record.state == TableState::Live || stored.record.state == TableState::CatchingUp;
  }
  bool resuming() const { return !incoming && stored.resuming(); }
  Segment* find(SegmentId segment) {
    return const_cast<Segment*>(std::as_const(*this).find(segment));
  }
  const Segment* find(SegmentId segment) const {
    for (const Segment& each : segments) {
      if (each.id == segment) return &each;
    }
    return nullptr;
  }
  void set_schema_keys() {
    row_keys = RowKeys(schema());
    old_keys = RowKeys(schema());
  }
};

// Scans the live rows of the table for their keys, those of the open transaction too. A key that
// two of them have is an error.
Result<RowIndex> build_index(engine::Connection& connection, const Table& table);

// Adds the rows of `columns`, in the schema's order, which lie from `first` on. Fails when a key is
// there already. The index is touched under `mutex`; the keys are made before.
Result<> add_rows(RowIndex& index, std::mutex& mutex, RowKeys& keys, const TableSchema& schema,
                  std::span<const Column> columns, Location first);

}  // namespace freshet::collection
