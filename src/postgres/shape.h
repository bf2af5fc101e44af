// The shape of a table as the source's catalog has it now, with the columns that were dropped: what
// tells which column of a Relation message is which.
//
// Nothing here takes a lock, so that a table that is just being altered can be asked about.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/schema.h"
#include "postgres/connection.h"
#include "postgres/plugin.h"

namespace freshet::postgres {

// Four marks of a table. While `files` stay the same, nobody has rewritten the rows: every value
// that was there has the same bytes.
struct CatalogState {
  int columns = 0;       // numbers that were given to columns, dropped ones too
  std::string files;     // "16423"; of all partitions below it: "16431:16431,16437:16440"
  std::string versions;  // changes when somebody changes a column, its name or its type
  std::string labels;    // … or a label of an enum that a column has

  // "7/16423/5d41402a…/-"; nothing when the text says nothing.
  static std::optional<CatalogState> parse(const std::string& text);
  std::string to_text() const;
  friend bool operator==(const CatalogState&, const CatalogState&) = default;
};

// SQL that makes that text of the row `c` of pg_class.
std::string catalog_state();

// SQL of what the next two take from a table `c`: "below", itself and its partitions of all levels.
extern const char* const partitions_below;
// SQL that is true for a column `a` of pg_attribute that the plugin sends.
const char* sent_columns(int server_version, Plugin plugin);

struct CatalogColumn {
  std::int16_t attnum = 0;
  std::string name;
  std::uint32_t pg_type = 0;  // zero when dropped
  std::int32_t pg_typmod = -1;
  bool not_null = false;
  bool dropped = false;
  bool sent = false;  // a plugin sends it; generated ones are not always sent
  // Rows that are older than the column show a constant (11+). Without its text it is not known:
  // partitions disagree, for example.
  bool has_constant = false;
  std::optional<std::string> constant{};
  ColumnSchema described{};  // its type as describe_types() finds it; not of a dropped one
};

struct CatalogShape {
  std::string schema;
  std::string name;
  CatalogState state;
  std::vector<CatalogColumn> columns;  // by number
};

// Nothing when the table is gone.
Result<std::optional<CatalogShape>> read_shape(Connection& connection, TableId id,
                                               Plugin plugin = Plugin::Pgoutput);

// One text for all that the catalog says about tables: while it is the same, nobody has changed any
// of them. One query, made to be asked often.
Result<std::string> catalog_fingerprint(Connection& connection);

}  // namespace freshet::postgres
