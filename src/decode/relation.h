// The Relation message: how the source describes a table before its rows, and whether that is the
// table our collection was built for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "model/schema.h"

namespace freshet::decode {

struct RelationColumn {
  std::string name;
  std::uint32_t pg_type = 0;
  std::int32_t pg_typmod = -1;
  bool in_identity = false;
};

struct Relation {
  TableId table{};
  char identity = 'd';  // pg_class.relreplident: default, nothing, full or index
  std::vector<RelationColumn> columns;
};

// Reads the body, behind the message's first byte; nothing when it is malformed.
std::optional<Relation> parse_relation(ByteReader& reader);

// How the source names the rows it changes.
Identity identity_of(const Relation& relation);

// What the source has altered since `schema`, as in "column total was added"; empty when nothing
// that matters to rows has changed. Names of the table itself do not: its oid is its identity. Nor
// does a key that a table published for inserts only has: it is published otherwise first.
std::string difference(const TableSchema& schema, const Relation& relation);

}  // namespace freshet::decode
