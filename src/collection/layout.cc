#include "collection/layout.h"

#include <fmt/core.h>

#include <charconv>

#include "base/check.h"
#include "engine/appender.h"

namespace freshet::collection {

namespace {

template <typename T>
T number(const std::string& text, std::size_t from) {
  T value{};
  std::from_chars(text.data() + from, text.data() + text.size(), value);
  return value;
}

}  // namespace

std::shared_ptr<const SegmentLayout> segment_layout(const TableSchema& schema) {
  auto layout = std::make_shared<SegmentLayout>();
  for (const ColumnSchema& column : schema.columns) {
    layout->emplace(column.attnum, engine::sql_name(column.type));
  }
  CHECK(layout->size() == schema.columns.size());
  return layout;
}

Result<std::map<SegmentId, std::shared_ptr<const SegmentLayout>>> read_layouts(
    engine::Connection& connection) {
  std::map<SegmentId, std::shared_ptr<SegmentLayout>> layouts;
  const auto rows =
      TRY(connection.query("SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE "
                           "database_name = 'store' AND schema_name = '_segments'"));
  for (const auto& row : rows) {
    auto& layout = layouts[number<SegmentId>(row.at(0).value_or("s"), 1)];
    if (!layout) layout = std::make_shared<SegmentLayout>();
    layout->emplace(number<std::int16_t>(row.at(1).value_or("c"), 1), row.at(2).value_or(""));
  }
  return std::map<SegmentId, std::shared_ptr<const SegmentLayout>>(layouts.begin(), layouts.end());
}

std::string segment_column(const ColumnSchema& column) {
  CHECK(column.attnum > 0);
  return "c" + std::to_string(column.attnum);
}

std::string column_in(const SegmentLayout& layout, const ColumnSchema& column,
                      const Constants& constants) {
  const std::string type = engine::sql_name(column.type);
  if (const auto own = layout.find(column.attnum); own != layout.end()) {
    if (own->second == type) return segment_column(column);
    return fmt::format("CAST({} AS {})", segment_column(column), type);
  }
  const auto constant = constants.find(column.attnum);
  return fmt::format("CAST({} AS {})", constant == constants.end() ? "NULL" : constant->second,
                     type);
}

}  // namespace freshet::collection
