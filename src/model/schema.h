// What we know of one table of a source. Immutable once published; a change makes a new one.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "model/type.h"

namespace freshet {

// PostgreSQL's object id of a table. A name is a label; this is the identity.
enum class TableId : std::uint32_t {};

// One database we follow; small and dense, given by the store when the source is first seen.
enum class SourceId : std::uint32_t {};

inline std::uint32_t value(TableId id) {
  return static_cast<std::uint32_t>(id);
}
inline std::uint32_t value(SourceId id) {
  return static_cast<std::uint32_t>(id);
}

struct EnumLabel {
  std::uint32_t oid = 0;  // stays the same when the label is renamed
  std::string label;
  friend bool operator==(const EnumLabel&, const EnumLabel&) = default;
};

// One field of a composite. A field that is itself an enum or a composite is text.
struct RecordField {
  std::string name;
  Type type;
  friend bool operator==(const RecordField&, const RecordField&) = default;
};

struct ColumnSchema {
  std::string name;
  Type type;                  // what a collection holds
  std::uint32_t pg_type = 0;  // the type's oid on the source; of a domain: what it is over
  std::int32_t pg_typmod = -1;
  std::int16_t attnum = 0;  // from 1 on; never given twice in a table, so it outlives names
  bool in_key = false;      // part of the replica identity
  bool not_null = false;
  std::uint32_t domain = 0;           // the oid of the domain it is declared with, or zero
  std::vector<EnumLabel> labels{};    // Shown::Enum: in the order of the enum
  std::vector<RecordField> fields{};  // Shown::Record

  // As a Relation message names the type.
  std::uint32_t declared_type() const { return domain != 0 ? domain : pg_type; }
  std::int32_t declared_typmod() const { return domain != 0 ? -1 : pg_typmod; }
  friend bool operator==(const ColumnSchema&, const ColumnSchema&) = default;
};

std::vector<Type> types_of(const std::vector<ColumnSchema>& columns);

// A column that had a value which its type here cannot hold: from the next copy on it has a wider
// one, for as long as the source declares it with the same type.
struct WidenedColumn {
  std::int16_t attnum = 0;
  std::uint32_t declared_type = 0;  // ColumnSchema::declared_type()
  Type type;
  friend bool operator==(const WidenedColumn&, const WidenedColumn&) = default;
};

// How updates and deletes name the row they change.
enum class Identity : std::uint8_t {
  Key,   // by the columns with in_key: primary key or REPLICA IDENTITY USING INDEX
  Full,  // by the whole old row; equal rows are legal and counted
  None,  // not at all: inserts and truncates only
};

struct TableSchema {
  TableId id{};
  std::string schema;  // "public"
  std::string name;
  Identity identity = Identity::Key;
  std::vector<ColumnSchema> columns;

  std::string qualified_name() const { return schema + "." + name; }
  // Ordinals of the columns that identify a row: the key's, all for Full, none for None.
  std::vector<std::size_t> identity_columns() const;
  friend bool operator==(const TableSchema&, const TableSchema&) = default;
};

// Gives the columns their wider types, where the source declares them with the same type still.
void widen(TableSchema& schema, std::span<const WidenedColumn> columns);

}  // namespace freshet
