#include "collection/rejects.h"

#include <fmt/format.h>

#include <charconv>
#include <iterator>

namespace freshet::collection {

namespace {

using engine::literal;

template <typename T>
T number(const std::optional<std::string>& text) {
  T value{};
  if (text) std::from_chars(text->data(), text->data() + text->size(), value);
  return value;
}

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
  const auto rows = TRY(connection.query("SELECT max(number) FROM store._meta.rejects WHERE " +
                                         of(source, collection)));
  return number<std::uint64_t>(rows.at(0).at(0));
}

Result<std::vector<RejectedRow>> read_rejected(engine::Connection& connection) {
  std::vector<RejectedRow> all;
  const auto rows =
      TRY(connection.query("SELECT source, id, number, came, lsn, sqlstate, message, content FROM "
                           "store._meta.rejects ORDER BY source, id, number"));
  for (const auto& row : rows) {
    all.push_back({.source = SourceId{number<std::uint32_t>(row.at(0))},
                   .collection = TableId{number<std::uint32_t>(row.at(1))},
                   .number = number<std::uint64_t>(row.at(2)),
                   .at = row.at(3).value_or(""),
                   .lsn = row.at(4).value_or(""),
                   .sqlstate = row.at(5).value_or(""),
                   .message = row.at(6).value_or(""),
                   .row = row.at(7).value_or("")});
  }
  return all;
}

}  // namespace freshet::collection
