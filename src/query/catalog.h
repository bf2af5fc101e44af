// What stands behind pg_catalog and information_schema: table functions about the collections, and
// the views and macros over them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "collection/store.h"

namespace freshet::query {

// One column as pg_attribute tells it.
struct CatalogColumn {
  std::string name;
  std::uint32_t type_oid = 0;
  std::int32_t modifier = -1;
  bool not_null = false;
  bool in_key = false;
};

// One relation as pg_class tells it. Object ids come from the name, so they stay the same between
// two statements and two starts.
struct CatalogRelation {
  std::int64_t oid = 0;
  std::int64_t schema_oid = 0;
  std::string schema;
  std::string name;
  char kind = 'r';  // a collection is a table, freshet.tables a view
  char replica_identity = 'd';
  std::int64_t rows = -1;
  std::vector<CatalogColumn> columns{};
};

std::int64_t schema_oid(const std::string& schema);
std::vector<CatalogRelation> catalog_relations(const collection::Store& store);

// Registers _freshet_relations(), _freshet_columns() and _freshet_types().
Result<> register_catalog(collection::Store& store);

// CREATE OR REPLACE of the schemas, views and macros; safe to run at every start.
std::string system_relations_sql();
std::string catalog_macros_sql();  // a part of it

}  // namespace freshet::query
