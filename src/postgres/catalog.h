// What a source's catalog says about its tables.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/position.h"
#include "model/schema.h"
#include "postgres/connection.h"
#include "postgres/plugin.h"

namespace freshet::postgres {

// Which tables of a source to mirror: `schema.table` with `*`, a leading `!` excludes. A pattern
// without a dot means public. No pattern that includes: every table outside system schemas.
class TablePatterns {
 public:
  struct Name {
    std::string schema;
    std::string name;
  };

  static Result<TablePatterns> parse(const std::vector<std::string>& patterns);
  // Patterns that were said later, in their order: for the tables they match, the newest one alone
  // decides.
  Result<> choose(const std::vector<std::string>& patterns);
  bool match(std::string_view schema, std::string_view name) const;
  // A partition goes by its own name and those of the tables above it: one of them has to be
  // included, none may be excluded.
  bool match(const std::vector<Name>& names) const;

 private:
  struct Pattern {
    std::string schema;
    std::string name;
    bool exclude;
  };
  static Result<Pattern> parse_one(const std::string& pattern);
  static bool hits(const Pattern& pattern, const std::vector<Name>& names);

  std::vector<Pattern> patterns_;
  std::vector<Pattern> choices_;
};

// A table of the source, with what publishing and copying need to know beyond the schema.
struct CatalogTable {
  TableSchema schema;         // columns as the plugin sends them: no dropped ones; see read_tables
  bool partitioned = false;   // a partitioned root; its partitions are not listed
  bool generated = false;     // some column is generated, which COPY refuses but for a query
  double rows_estimated = 0;  // planner's estimate; negative when never analysed
  std::uint64_t bytes = 0;    // of the table and its partitions
  std::string why_not;        // why it cannot be mirrored at all ("unlogged"), or empty
  std::string catalog;        // CatalogState (shape.h) as text
  std::set<std::int16_t> nested;  // columns declared as arrays of several dimensions
};

// Measuring a table that was never analysed takes a lock on it, and waits for those who alter it.
enum class Sizes { Measured, AsKnown };

// Ordinary and partitioned tables that match, system schemas left out, in order of name.
// Before 13, and by test_decoding, partitions are sent under their own names: they stand for the
// partitioned table. Generated columns that are stored are sent by pgoutput since 18 and always by
// test_decoding; virtual ones never are.
// Identity follows what PostgreSQL itself uses: a primary key that is not deferrable, the identity
// index, FULL, or none; a table without one is to be published for inserts and truncates only.
Result<std::vector<CatalogTable>> read_tables(Connection& connection, const TablePatterns& patterns,
                                              Plugin plugin = Plugin::Pgoutput,
                                              Sizes sizes = Sizes::Measured);

// One table by oid, as of the connection's transaction; 42P01 when it is gone.
Result<CatalogTable> read_table(Connection& connection, TableId id,
                                Plugin plugin = Plugin::Pgoutput);

// Identity of the server behind the connection (a replication connection).
struct SystemId {
  std::string id;
  std::uint32_t timeline = 0;
  Lsn flushed;
};
Result<SystemId> identify(Connection& replication);

}  // namespace freshet::postgres
