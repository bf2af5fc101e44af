// For tests: tables of any shape whose values are written as text, and what is asked of them.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "collection/scratch_store.h"

namespace freshet::collection {

// One row: a value per column, in the schema's order. Nothing is null.
using Values = std::vector<std::optional<std::string>>;
inline constexpr const char* unchanged = "\x01unchanged";

inline constexpr Type int32_type{.kind = TypeKind::Int32};
inline constexpr Type numeric_type{.kind = TypeKind::Numeric};

inline ColumnSchema shape_column(std::int16_t attnum, const std::string& name, Type type,
                                 bool in_key = false) {
  ColumnSchema column;
  column.name = name;
  column.type = type;
  column.attnum = attnum;
  column.in_key = in_key;
  return column;
}

// public.t with these columns.
inline std::shared_ptr<const TableSchema> shape(std::vector<ColumnSchema> columns,
                                                Identity identity = Identity::Key,
                                                std::uint32_t id = 1, const std::string& name = "t",
                                                const std::string& schema = "public") {
  auto made = std::make_shared<TableSchema>();
  made->id = TableId{id};
  made->schema = schema;
  made->name = name;
  made->identity = identity;
  made->columns = std::move(columns);
  return made;
}

inline void append_text(Column& column, const std::optional<std::string>& value, Arena& arena) {
  if (!value) return column.append_null();
  if (*value == unchanged) return column.append_unchanged();
  const TypeKind kind = column.type().kind;
  if (is_string(kind)) return column.append_string(arena.keep(*value));
  if (kind == TypeKind::Int32) {
    return column.append(static_cast<std::int32_t>(std::stol(*value)));
  }
  if (kind == TypeKind::Decimal && width(column.type()) == 4) {  // unscaled
    return column.append(static_cast<std::int32_t>(std::stol(*value)));
  }
  CHECK(width(column.type()) == 8);
  column.append(static_cast<std::int64_t>(std::stoll(*value)));
}

// A ChangeSet of one table.
class Shaped {
 public:
  explicit Shaped(std::shared_ptr<const TableSchema> schema) : id_(schema->id) {
    changes.tables.emplace(id_, std::make_unique<TableChanges>(std::move(schema)));
  }

  Shaped& insert(const Values& row) { return add({.op = Op::Insert, .row = new_row(row)}); }
  Shaped& update(const Values& row) { return add({.op = Op::Update, .row = new_row(row)}); }
  Shaped& update(const Values& key, const Values& row) {
    const std::uint32_t old = old_row(key);
    return add({.op = Op::Update, .row = new_row(row), .old = old});
  }
  Shaped& erase(const Values& key) { return add({.op = Op::Delete, .old = old_row(key)}); }

  ChangeSet changes;

 private:
  TableChanges& table() { return *changes.tables.at(id_); }
  Shaped& add(const Change& change) {
    table().changes.push_back(change);
    ++changes.change_count;
    return *this;
  }
  std::uint32_t append(std::vector<Column>& columns, const Values& values) {
    CHECK(columns.size() == values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      append_text(columns[i], values[i], changes.arena);
    }
    return static_cast<std::uint32_t>(columns.front().size() - 1);
  }
  std::uint32_t new_row(const Values& values) { return append(table().rows, values); }
  std::uint32_t old_row(const Values& values) { return append(table().old, values); }

  TableId id_;
};

inline Alteration alteration(std::shared_ptr<const TableSchema> schema) {
  return {.schema = std::move(schema)};
}

// A store with public.t live in one shape.
struct ShapedStore : ScratchStore {
  explicit ShapedStore(std::shared_ptr<const TableSchema> first) : ScratchStore({first}) {}

  // Completes a transaction, or goes on with one.
  std::vector<ChangeSet::Stopped> apply(Shaped& changes, bool more_follows = false) {
    changes.changes.applied = {.lsn = {++lsn}, .offset = {lsn * 10}, .commit_time = {}};
    return must(writer->apply(changes.changes, more_follows));
  }
  std::vector<ChangeSet::Stopped> alter(const Alteration& to) {
    return must(writer->alter(to, false));
  }
  // What was altered becomes visible.
  void commit() {
    ChangeSet nothing;
    nothing.applied = {.lsn = {++lsn}, .offset = {lsn * 10}, .commit_time = {}};
    must(writer->apply(nothing, false));
  }

  // "1|a|NULL": the rows of a query of its own version, sorted.
  std::vector<std::string> lines(const std::string& sql = "SELECT * FROM store.public.t") {
    const auto reader = must(store->reader());
    must(reader->begin());
    std::vector<std::string> lines;
    for (const auto& row : must(reader->connection().query(sql))) {
      std::string line;
      for (const auto& value : row) line += (line.empty() ? "" : "|") + value.value_or("NULL");
      lines.push_back(line);
    }
    std::ranges::sort(lines);
    return lines;
  }
};

}  // namespace freshet::collection
