// One connection to the engine, owned by one thread; interrupt() alone may be called by others.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/live.h"
#include "engine/statement.h"

namespace freshet::engine {

// A small result, all text; for catalogs and definitions, not for rows of collections.
using TextRows = std::vector<std::vector<std::optional<std::string>>>;

class Connection {
 public:
  struct Handle;
  explicit Connection(std::unique_ptr<Handle> handle);
  ~Connection();

  // Runs one or more statements and forgets their rows.
  Result<> execute(std::string_view sql);
  Result<TextRows> query(std::string_view sql);  // one statement
  Result<std::unique_ptr<Statement>> prepare(std::string_view sql);

  // Explicit transactions. begin() also takes the snapshot at once, by touching the catalog: the
  // engine would otherwise wait for the first statement.
  Result<> begin();
  // 25P02 when a statement of the transaction failed: then nothing was committed. After any failure
  // the transaction is over.
  Result<> commit();
  void rollback();  // does nothing outside a transaction
  bool in_transaction() const;

  // What live() answers from on this connection, until set again. Null: every row is live.
  // Not while a statement of this connection runs.
  void set_live_rows(std::shared_ptr<const LiveRows> rows);

  // Stops the running statement, which then fails with 57014. Any thread.
  void interrupt();
  // 0 to 1 for the running statement, negative when unknown. Any thread.
  double progress();

  Handle& handle() { return *handle_; }  // for engine/*.cc

 private:
  std::unique_ptr<Handle> handle_;
};

// "a""b": an identifier as SQL has it.
std::string quoted(std::string_view identifier);
// As the engine compares identifiers: ASCII letters in lower case.
std::string folded(std::string_view identifier);
// 'it''s': a text literal.
std::string literal(std::string_view text);

}  // namespace freshet::engine
