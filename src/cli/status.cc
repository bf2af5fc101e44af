#include "cli/status.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <vector>

#include "cli/report.h"
#include "postgres/connection.h"

namespace freshet::cli {

namespace {

using postgres::Rows;

// Columns padded to their widest value; the last one runs free.
void print_table(const Rows& rows) {
  std::vector<std::size_t> widths;
  for (const std::string& column : rows.columns) widths.push_back(column.size());
  for (const auto& row : rows.rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].value_or("").size());
    }
  }
  const auto print = [&](auto&& cell) {
    std::string line = " ";
    for (std::size_t i = 0; i < widths.size(); ++i)
      line += fmt::format(" {:<{}}", cell(i), widths[i]);
    while (line.ends_with(' ')) line.pop_back();
    std::puts(line.c_str());
  };
  print([&](std::size_t i) { return rows.columns[i]; });
  for (const auto& row : rows.rows) {
    print([&](std::size_t i) { return row[i].value_or("-"); });
  }
}

Result<bool> show(postgres::Connection& connection) {
  const Rows sources = TRY(connection.query(
      "SELECT name, state, server_version, applied_lsn, lag_ms, lag_bytes, retained_wal_bytes, "
      "last_error FROM freshet.sources ORDER BY name"));
  std::puts("sources");
  print_table(sources);
  const Rows tables =
      TRY(connection.query("SELECT source, schema || '.' || name AS \"table\", state, rows, "
                           "dead_rows, applied_lsn, lag_ms, "
                           "last_error FROM freshet.tables ORDER BY 1, 2"));
  std::puts("\ntables");
  print_table(tables);
  const Rows progress = TRY(connection.query(
      "SELECT source, schema || '.' || name AS \"table\", phase, rows, rows_estimated, "
      "rows_per_second::bigint AS \"rows/s\", seconds_left::bigint AS \"s left\", "
      "bytes_left AS \"bytes left\", nullif(waiting_for, '') AS \"waiting for\" "
      "FROM freshet.progress ORDER BY 1, 2"));
  if (!progress.rows.empty()) {
    std::puts("\nprogress");
    print_table(progress);
  }
  return std::ranges::all_of(tables.rows, [](const auto& row) { return row[2] == "live"; });
}

}  // namespace

int show_status(const std::string& url) {
  auto connection = postgres::Connection::connect(url, {.application_name = "freshet status"});
  if (!connection.ok()) {
    report(std::move(connection).error());
    return 2;
  }
  const auto live = show(**connection);
  if (!live.ok()) {
    report(live.error());
    return 2;
  }
  return *live ? 0 : 1;
}

}  // namespace freshet::cli
