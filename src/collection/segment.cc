#include "collection/segment.h"

#include <fmt/core.h>

#include <algorithm>

#include "engine/appender.h"

namespace freshet::collection {

std::string segment_name(SegmentId segment) {
  return "s" + std::to_string(segment);
}

std::string segment_table(SegmentId segment) {
  return "store._segments." + segment_name(segment);
}

Result<> create_segment(engine::Connection& connection, SegmentId segment,
                        const TableSchema& schema) {
  std::string sql = "CREATE TABLE " + segment_table(segment) + "(";
  for (std::size_t i = 0; i < schema.columns.size(); ++i) {
    if (i > 0) sql += ", ";
    sql += segment_column(schema.columns[i]) + " " + engine::sql_name(schema.columns[i].type);
  }
  return connection.execute(sql + ")");
}

Result<> drop_segment(engine::Connection& connection, SegmentId segment) {
  return connection.execute("DROP TABLE IF EXISTS " + segment_table(segment));
}

Result<std::vector<std::uint64_t>> count_rows(engine::Connection& connection,
                                              std::span<const SegmentId> segments) {
  constexpr std::size_t per_query = 100;
  std::vector<std::uint64_t> counts;
  while (!segments.empty()) {
    const auto part = segments.first(std::min(segments.size(), per_query));
    std::string sql;
    for (std::size_t i = 0; i < part.size(); ++i) {
      sql += fmt::format("{}SELECT {}, count(*) FROM {}", i == 0 ? "" : " UNION ALL ", i,
                         segment_table(part[i]));
    }
    const std::size_t first = counts.size();
    counts.resize(first + part.size());
    for (const auto& row : TRY(connection.query(sql))) {
      counts.at(first + std::stoul(row.at(0).value_or(""))) = std::stoull(row.at(1).value_or(""));
    }
    segments = segments.subspan(part.size());
  }
  return counts;
}

}  // namespace freshet::collection
