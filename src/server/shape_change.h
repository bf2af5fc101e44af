// What becomes of a table that its source has altered: whether the rows we have can be shown in the
// new shape, or have to be copied again.
//
// The stream says where the new shape begins, but not which column is which: it has names and types
// only. The catalog knows the columns by number, but is read later, and may have moved on since.
// What both say together has one meaning, or the table is copied again. Nothing is guessed.
#pragma once

#include <memory>
#include <string>
#include <variant>

#include "collection/store.h"
#include "decode/relation.h"
#include "postgres/shape.h"

namespace freshet::server {

struct CopyAgain {
  std::string reason;  // "column total was rewritten"
};
using ShapeChange = std::variant<collection::Alteration, CopyAgain>;

// The shape our rows have, and what the catalog said then.
struct KnownShape {
  std::shared_ptr<const TableSchema> schema;
  std::string catalog;  // TableRecord::catalog
  bool binary = false;  // values are sent so, as far as their types can
};

// The catalog was read after `relation` was sent, so it can be ahead; or it is what `relation` was
// made from.
enum class Catalog { Ahead, TheSame };
// `arena` keeps the constants of the alteration.
ShapeChange shape_change(const KnownShape& known, const decode::Relation& relation,
                         const postgres::CatalogShape& now, Catalog catalog, Arena& arena);

// Whether rows are named by the same columns. Lines of test_decoding do not say it when they are
// not any more: then what they meant is not known, and the table is copied again.
bool same_identity(const TableSchema& one, const TableSchema& other);

}  // namespace freshet::server
