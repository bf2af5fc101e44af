#include "source/mark.h"

#include <fmt/core.h>

#include "postgres/sqlstate.h"

namespace freshet::source {

namespace sqlstate = postgres::sqlstate;
using postgres::Rows;

namespace {

constexpr std::string_view prefix = "made by freshet, data folder ";

// The publication's comment, or nothing.
Result<std::string> read_comment(postgres::Connection& connection, const Names& names) {
  if (connection.server_version() < oldest_with_publications) return std::string();
  const Rows rows = TRY(connection.query(fmt::format(
      "SELECT pg_catalog.obj_description(oid, 'pg_publication') FROM pg_catalog.pg_publication "
      "WHERE pubname = {}",
      postgres::literal(names.publication))));
  return rows.rows.empty() ? std::string{} : rows.rows.front()[0].value_or("");
}

}  // namespace

Result<> mark(postgres::Connection& connection, const Names& names,
              const std::string& installation) {
  const std::string comment = std::string(prefix) + installation;
  if (TRY(read_comment(connection, names).context("read the publication's mark")) == comment) {
    return {};
  }
  const auto marked = connection.query(fmt::format("COMMENT ON PUBLICATION {} IS {}",
                                                   postgres::quoted(names.publication),
                                                   postgres::literal(comment)));
  if (marked.ok()) return {};
  const std::string& code = marked.error().sqlstate;
  // Not every role may, and on a standby nobody can: there the publications are somebody else's.
  const bool refused =
      code == sqlstate::insufficient_privilege || code == sqlstate::read_only_transaction;
  return refused ? Result<>{} : marked.error();
}

Result<> check_mark(postgres::Connection& connection, const Names& names,
                    const std::string& installation) {
  const std::string comment =
      TRY(read_comment(connection, names).context("read the publication's mark"));
  if (!comment.starts_with(prefix) || comment.substr(prefix.size()) == installation) return {};
  return Error{
      .sqlstate = sqlstate::duplicate_object,
      .message = "replication slot " + names.slot + " belongs to another Freshet",
      .detail = fmt::format("Publication {}: {}. This one is {}.", names.publication, comment,
                            installation),
      .hint = fmt::format("Give this source another name (--source NAME=URL). If the other one is "
                          "gone for good: SELECT pg_drop_replication_slot('{}');",
                          names.slot)};
}

}  // namespace freshet::source
