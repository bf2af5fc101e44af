// What a client can ask the server to do: the statements of docs/sql.md that control it, as values.
// A session finds out what is meant; the server, which implements Commands, does it.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "query/status.h"
#include "transform/definition.h"

namespace freshet::query {

// A word of a statement, and where it stands there, so that an error can point at it.
struct Word {
  std::string text;
  int position = 0;  // 1-based character, as in Error
};

struct AlterCollection {
  enum class Action : std::uint8_t { Pause, Resume, Resync };
  Action action{};
  std::string source{};  // empty until resolved, unless the statement says it
  std::string schema{};  // the same
  Word name{};
};

struct AlterSource {
  enum class Action : std::uint8_t { AddTables, DropTables };
  Action action{};
  Word name{};
  std::vector<Word> patterns{};  // schema.table with *, as in --tables
};

// Begins the source anew: a new slot, and every table copied again.
struct ResyncSource {
  Word name{};
};

// Makes a collection of what a transformation makes of a table.
struct CreateCollection {
  bool replace = false;        // another definition of it may be there
  bool if_not_exists = false;  // then that is enough
  std::string schema{};        // empty until resolved, unless the statement says it: the table's
  Word name{};
  std::string source{};        // of the table; the same
  std::string table_schema{};  // the same
  Word table{};
  transform::Definition definition{};
  int sql_position = 0;  // where the definition's SQL stands in the statement
};

// Removes such a collection and its rows.
struct DropCollection {
  bool if_exists = false;
  std::string source{};  // as in AlterCollection
  std::string schema{};
  Word name{};
};

using Command =
    std::variant<AlterCollection, CreateCollection, DropCollection, AlterSource, ResyncSource>;

std::string_view tag_of(const Command& command);  // "ALTER COLLECTION"

// Thread safe.
class Commands {
 public:
  virtual ~Commands() = default;
  // Returns when what was asked for is recorded and would survive a crash; what takes long (a copy,
  // catching up) goes on in the background. Notes for the client come back as errors that are none.
  // 42P01 and 42704 for what is not there, 55000 when it cannot be done now, 57014 when asked to
  // stop.
  virtual Result<std::vector<Error>> run(const Command& command, std::stop_token stop) = 0;
};

// Finds the one collection that is meant: by source and schema where they are said, else along the
// search path. 42P01 when there is none, 42P09 when several sources have it.
Result<AlterCollection> resolve(AlterCollection asked, const std::vector<TableStatus>& tables,
                                const std::vector<std::string>& search_path);
// The same for the table that the collection is made of; and for one that is dropped, of which
// nothing comes back when it need not be there.
Result<CreateCollection> resolve(CreateCollection asked, const std::vector<TableStatus>& tables,
                                 const std::vector<std::string>& search_path);
Result<std::optional<DropCollection>> resolve(DropCollection asked,
                                              const std::vector<TableStatus>& tables,
                                              const std::vector<std::string>& search_path);
// The same for any command; nothing comes back when there is nothing to do.
Result<std::optional<Command>> resolve(Command asked, const std::vector<TableStatus>& tables,
                                       const std::vector<std::string>& search_path);

}  // namespace freshet::query
