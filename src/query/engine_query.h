// One query, rewritten for the engine and prepared there, with the types of its parameters settled.
//
// A parameter whose type the client names is cast to it. For the others the engine is asked; what
// it cannot tell either is tried as text, then as a few other types, until the query makes sense.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/connection.h"
#include "query/rewrite.h"
#include "query/session.h"

namespace freshet::query {

class EngineQuery {
 public:
  // `given`: type oids of the parameters, 0 or missing when not known. `pin`: the number of
  // the session's pin of a version, under which this is planned.
  static Result<std::shared_ptr<EngineQuery>> prepare(engine::Connection& connection,
                                                      std::string sql,
                                                      std::vector<std::uint32_t> given,
                                                      std::uint64_t pin);

  EngineQuery(const EngineQuery&) = delete;
  EngineQuery& operator=(const EngineQuery&) = delete;

  const std::vector<std::uint32_t>& parameters() const { return parameters_; }
  const std::vector<engine::ResultColumn>& columns() const { return columns_; }
  // One stream at a time per connection; it ends before this does.
  Result<std::unique_ptr<engine::RowStream>> execute(const std::vector<Parameter>& parameters);
  // Plans again when the plan was made under another pin. The engine builds on what it knows of a
  // table when it plans (a column without a NULL, say), and that holds for those rows only.
  Result<> plan_for(engine::Connection& connection, std::uint64_t pin);

 private:
  EngineQuery(std::string sql, std::vector<std::uint32_t> given);

  Result<> settle(engine::Connection& connection);
  bool settle_known(std::vector<bool>& open);
  Result<> attempt(engine::Connection& connection);
  // Each puts something in where the engine has refused the statement; false when that is no help.
  bool take_our_aggregate(const Error& error);
  bool follow_path(const Error& error);
  Error located(Error error) const;

  std::string sql_;
  std::vector<Token> tokens_;  // point into sql_
  std::vector<std::uint32_t> parameters_;
  std::vector<std::string> casts_;  // per parameter, for the rewriter
  Rewritten rewritten_;
  std::unique_ptr<engine::Statement> statement_;
  std::uint64_t planned_for_ = 0;  // the pin
  std::vector<engine::ResultColumn> columns_;
};

}  // namespace freshet::query
