// What _meta keeps of the columns of tables: their types, labels and fields, and which are to be
// held wider.
#pragma once

#include <map>
#include <span>
#include <string>

#include "base/result.h"
#include "collection/meta_rows.h"

namespace freshet::collection {

// Statements that make the tables.
std::string create_column_definitions();

// Into the schemas of tables that are loaded. Makes known what views call the types of enums.
Result<> load_columns(engine::Connection& connection, std::map<TableKey, LoadedTable>& tables);
// Of tables whose rows there have been erased.
Result<> save_columns(engine::Connection& connection, std::span<const StoredTable* const> tables);

}  // namespace freshet::collection
