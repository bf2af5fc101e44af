#include "engine/table_function.h"

#include <algorithm>
#include <utility>

#include "duckdb.h"
#include "engine/boxes.h"
#include "engine/fill.h"
#include "engine/handles.h"
#include "engine/types.h"

namespace freshet::engine {

namespace {

struct Relation {
  std::vector<RelationColumn> columns;
  MakeRows make;
};

// One use of a relation: its rows, and how many were handed out.
struct Scan {
  RelationRows rows;
  std::size_t size = 0;
  std::size_t next = 0;
};

void bind(duckdb_bind_info info) {
  const auto& relation = *static_cast<const Relation*>(duckdb_bind_get_extra_info(info));
  for (const RelationColumn& column : relation.columns) {
    duckdb_bind_add_result_column(info, column.name.c_str(), owned_type(column.type).get());
  }
}

bool fits(const Relation& relation, const RelationRows& rows) {
  if (rows.columns.size() != relation.columns.size()) return false;
  for (std::size_t i = 0; i < rows.columns.size(); ++i) {
    if (rows.columns[i].type() != relation.columns[i].type) return false;
    if (rows.columns[i].size() != rows.columns[0].size()) return false;
  }
  return true;
}

void init(duckdb_init_info info) {
  const auto& relation = *static_cast<const Relation*>(duckdb_init_get_extra_info(info));
  Result<RelationRows> rows = relation.make();
  if (!rows.ok()) return duckdb_init_set_error(info, rows.error().message.c_str());
  if (!fits(relation, *rows)) return duckdb_init_set_error(info, "rows do not fit their columns");
  const std::size_t size = rows->columns.empty() ? 0 : rows->columns[0].size();
  auto scan = std::make_unique<Scan>(Scan{std::move(*rows), size, 0});
  duckdb_init_set_init_data(info, scan.release(), drop<Scan>);
  duckdb_init_set_max_threads(info, 1);
}

void scan(duckdb_function_info info, duckdb_data_chunk output) {
  auto& scan = *static_cast<Scan*>(duckdb_function_get_init_data(info));
  const std::size_t end = std::min(scan.next + duckdb_vector_size(), scan.size);
  for (std::size_t i = 0; i < scan.rows.columns.size(); ++i) {
    // Copied, because a result may outlive the scan it comes from.
    fill(duckdb_data_chunk_get_vector(output, i), scan.rows.columns[i], scan.next, end,
         Strings::Copied);
  }
  duckdb_data_chunk_set_size(output, end - scan.next);
  scan.next = end;
}

}  // namespace

Result<> register_relation(Database& database, const std::string& name,
                           std::vector<RelationColumn> columns, MakeRows make) {
  duckdb_table_function function = duckdb_create_table_function();
  duckdb_table_function_set_name(function, name.c_str());
  auto relation = std::make_unique<Relation>(Relation{std::move(columns), std::move(make)});
  duckdb_table_function_set_extra_info(function, relation.release(), drop<Relation>);
  duckdb_table_function_set_bind(function, bind);
  duckdb_table_function_set_init(function, init);
  duckdb_table_function_set_function(function, scan);
  const bool registered = database.handle().housekeeping.with([&](OwnedConnection& connection) {
    return duckdb_register_table_function(connection.get(), function) == DuckDBSuccess;
  });
  duckdb_destroy_table_function(&function);
  if (!registered) return Error{.message = "register relation " + name + ": the engine refused it"};
  return {};
}

}  // namespace freshet::engine
