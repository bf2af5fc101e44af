// The COPY statement for a table, and for a piece of it.
#pragma once

#include <string>

#include "base/result.h"
#include "postgres/catalog.h"
#include "postgres/connection.h"
#include "snapshot/piece.h"

namespace freshet::snapshot {

// What a COPY of any piece of a table lists.
struct CopyColumns {
  std::string list;         // names, or expressions for what has no binary form
  bool need_query = false;  // COPY takes names of ordinary columns only
};

// Columns without a binary form come as text, the same text that the stream has.
Result<CopyColumns> copy_columns(postgres::Connection& connection,
                                 const postgres::CatalogTable& table);

std::string copy_statement(const CopyColumns& columns, const Piece& piece);

}  // namespace freshet::snapshot
