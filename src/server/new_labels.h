// Labels of enums: which of them the changes have that their table does not know yet, and what
// becomes of a table when the source says what its labels are now.
#pragma once

#include <memory>
#include <vector>

#include "model/change.h"
#include "model/schema.h"
#include "postgres/shape.h"

namespace freshet::server {

// The tables of which a new row has a label that its schema does not name.
std::vector<TableId> tables_with_new_labels(const ChangeSet& changes);

// The schema with the labels that the catalog has for its columns.
std::shared_ptr<const TableSchema> with_labels_of(const postgres::CatalogShape& shape,
                                                  const TableSchema& schema);

// Whether a label was renamed: it keeps its oid, and rows their old text of it.
bool renamed_label(const TableSchema& before, const TableSchema& now);

}  // namespace freshet::server
