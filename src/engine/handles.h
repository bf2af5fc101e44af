// DuckDB's objects with owners, and what the engine's classes hide behind their Handle.
//
// Names DuckDB's types without its header, so that duckdb.h stays in the .cc files that call it.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "base/guarded.h"
#include "base/result.h"
#include "engine/connection.h"
#include "engine/connection_slot.h"
#include "engine/crew.h"
#include "engine/database.h"
#include "engine/enum_types.h"

struct _duckdb_appender;
struct _duckdb_connection;
struct _duckdb_data_chunk;
struct _duckdb_database;
struct _duckdb_logical_type;
struct _duckdb_pending_result;
struct _duckdb_prepared_statement;
struct _duckdb_value;
struct _duckdb_vector;

namespace freshet::engine {

// Frees what DuckDB made.
struct Free {
  void operator()(_duckdb_appender* appender) const;
  void operator()(_duckdb_connection* connection) const;
  void operator()(_duckdb_data_chunk* chunk) const;
  void operator()(_duckdb_database* database) const;
  void operator()(_duckdb_logical_type* type) const;
  void operator()(_duckdb_pending_result* pending) const;
  void operator()(_duckdb_prepared_statement* statement) const;
  void operator()(_duckdb_value* value) const;
  void operator()(char* text) const;
};

using OwnedAppender = std::unique_ptr<_duckdb_appender, Free>;
using OwnedConnection = std::unique_ptr<_duckdb_connection, Free>;
using OwnedChunk = std::unique_ptr<_duckdb_data_chunk, Free>;
using OwnedDatabase = std::unique_ptr<_duckdb_database, Free>;
using OwnedType = std::unique_ptr<_duckdb_logical_type, Free>;
using OwnedPending = std::unique_ptr<_duckdb_pending_result, Free>;
using OwnedStatement = std::unique_ptr<_duckdb_prepared_statement, Free>;
using OwnedValue = std::unique_ptr<_duckdb_value, Free>;
using OwnedText = std::unique_ptr<char, Free>;

// Counts what may have changed the catalog: a plan made before is made again at each use, and does
// not replace the old one.
using CatalogChanges = std::shared_ptr<std::atomic<std::uint64_t>>;

struct Database::Handle {
  std::filesystem::path file;
  CatalogChanges catalog_changes = std::make_shared<std::atomic<std::uint64_t>>();
  std::shared_ptr<ConnectionSlots> slots = std::make_shared<ConnectionSlots>();
  EnumTypes enums;  // outlives the database, whose casts refer to it
  OwnedDatabase database;
  std::optional<Crew> crew;
  Guarded<OwnedConnection> housekeeping;  // for checkpoints and registrations
};

struct Connection::Handle {
  Handle(OwnedConnection connected, Database::Handle& database)
      : connection(std::move(connected)),
        registration(database.slots, connection.get()),
        crew(*database.crew),
        enums(database.enums),
        catalog_changes(database.catalog_changes) {}

  OwnedConnection connection;
  OwnedStatement begin;  // prepared once: parsing BEGIN costs more than doing it
  OwnedStatement commit;
  OwnedStatement rollback;
  ConnectionRegistration registration;
  Crew& crew;
  EnumTypes& enums;
  CatalogChanges catalog_changes;
  bool in_transaction = false;
  bool may_change_catalog = false;  // the open transaction ran SQL that we did not look at
};

// Runs statements and forgets their rows. The error speaks about `sql`.
Result<> run(_duckdb_connection* connection, std::string_view sql);
Result<OwnedStatement> prepare(_duckdb_connection* connection, std::string_view sql);
// Runs a statement whose rows nobody wants, such as COMMIT or INSERT.
Result<> execute(const OwnedStatement& statement);

}  // namespace freshet::engine
