#include "collection/rejects.h"

#include <fmt/format.h>

#include <iterator>

#include "collection/row_parser.h"

namespace freshet::collection {

namespace {

using engine::literal;

std::string of(SourceId source, TableId collection) {
  return fmt::format("source = {} AND id = {}", value(source), value(collection));
}

}  // namespace

Result<> add_rejected(engine::Connection& connection, std::span<const RejectedRow> rows) {
  if (rows.empty()) return {};
  std::string sql = "INSERT INTO store._meta.rejects VALUES ";
  for (const RejectedRow& row : rows) {
    fmt::format_to(std::back_inserter(sql), "({},{},{},now(),{},{},{},{}),", value(row.source),
                   value(row.collection), row.number, literal(row.lsn), literal(row.sqlstate),
                   literal(row.message), literal(row.row));
  }
  sql.pop_back();
  TRY(connection.execute(sql).context("keep rejected rows"));
  const RejectedRow& last = rows.back();
  if (last.number <= rejected_rows_max) return {};
  return connection.execute(fmt::format("DELETE FROM store._meta.rejects WHERE {} AND number <= {}",
                                        of(last.source, last.collection),
                                        last.number - rejected_rows_max));
}

Result<> forget_rejected(engine::Connection& connection, SourceId source, TableId collection) {
  return connection.execute("DELETE FROM store._meta.rejects WHERE " + of(source, collection));
}

Result<std::uint64_t> last_rejected(engine::Connection& connection, SourceId source,
                                    TableId collection) {
  const auto rows = TRY(connection.query(
      "SELECT coalesce(max(number), 0) FROM store._meta.rejects WHERE " + of(source, collection)));
  RowParser parse(rows.at(0));
  const auto number = parse.number<std::uint64_t>();
  TRY(parse.done("_meta.rejects"));
  return number;
}

Result<std::vector<RejectedRow>> read_rejected(engine::Connection& connection) {
  std::vector<RejectedRow> all;
  const auto rows =
      TRY(connection.query("SELECT source, id, number, came, lsn, sqlstate, message, content FROM "
                           "store._meta.rejects ORDER BY source, id, number"));
  for (const auto& row : rows) {
    RowParser parse(row);
    RejectedRow& rejected = all.emplace_back();
    rejected.source = SourceId{parse.number<std::uint32_t>()};
    rejected.collection = TableId{parse.number<std::uint32_t>()};
    rejected.number = parse.number<std::uint64_t>();
    rejected.at = parse.text();
    rejected.lsn = parse.text();
    rejected.sqlstate = parse.text();
    rejected.message = parse.text();
    rejected.row = parse.text();
    TRY(parse.done("_meta.rejects"));
  }
  return all;
}

}  // namespace freshet::collection
