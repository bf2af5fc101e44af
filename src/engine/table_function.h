// Relations whose rows the program makes when asked: freshet.tables and its kin.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/database.h"
#include "model/column.h"

namespace freshet::engine {

struct RelationColumn {
  std::string name;
  Type type;
};

// Makes all rows at once, into one Column per RelationColumn; called on any thread, at each use.
// Strings must stay where they are until the columns are gone: keep them in `keep`.
struct RelationRows {
  std::vector<Column> columns;
  std::vector<std::shared_ptr<const std::string>> keep;
};
using MakeRows = std::function<Result<RelationRows>()>;

// Registers the table function `name()`; SQL reaches it as SELECT * FROM name().
Result<> register_relation(Database& database, const std::string& name,
                           std::vector<RelationColumn> columns, MakeRows make);

}  // namespace freshet::engine
