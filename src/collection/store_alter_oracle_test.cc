// Random alterations among random changes against a map, with tidying and reopening in between.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <random>

#include "collection/scratch_shapes.h"

namespace freshet::collection {
namespace {

// The table as it must be: rows by id, values by attnum.
class AlteredTable {
 public:
  explicit AlteredTable(std::uint64_t seed) : random_(seed) {
    columns_ = {shape_column(1, "id", int64_type, true), shape_column(2, "note", text_type)};
    make_schema();
  }

  std::uint64_t random(std::uint64_t below) { return random_() % below; }
  const std::shared_ptr<const TableSchema>& schema() const { return schema_; }

  void change(Shaped& changes, std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto id = static_cast<std::int64_t>(random(300));
      const auto found = rows_.find(id);
      if (found == rows_.end()) {
        changes.insert(fresh(id));
      } else if (random(5) == 0) {
        changes.erase({std::to_string(id)});
        rows_.erase(found);
      } else {
        changes.update(updated(id));
      }
    }
  }

  Alteration alter() {
    Alteration to;
    switch (random(4)) {
      case 0:
        if (columns_.size() > 2) drop();
        break;
      case 1: {
        ColumnSchema& column = columns_[1 + random(columns_.size() - 1)];
        column.name = fmt::format("renamed{}", ++names_);
        break;
      }
      case 2:
        for (ColumnSchema& column : columns_) {
          if (column.type == int32_type) column.type = int64_type;
        }
        break;
      default: add(to); break;
    }
    make_schema();
    to.schema = schema_;
    return to;
  }

  std::vector<std::string> lines() const {
    std::vector<std::string> lines;
    for (const auto& [id, row] : rows_) {
      std::string line = std::to_string(id);
      for (const ColumnSchema& column : columns_) {
        if (column.attnum != 1) line += "|" + row.at(column.attnum).value_or("NULL");
      }
      lines.push_back(line);
    }
    std::ranges::sort(lines);
    return lines;
  }

 private:
  using Row = std::map<std::int16_t, std::optional<std::string>>;

  std::optional<std::string> some_value() {
    if (random(5) == 0) return std::nullopt;
    return std::to_string(random(1'000));
  }

  void drop() {
    const std::size_t at = 1 + random(columns_.size() - 1);
    for (auto& [id, row] : rows_) row.erase(columns_[at].attnum);
    columns_.erase(columns_.begin() + static_cast<std::ptrdiff_t>(at));
  }

  void add(Alteration& to) {
    const std::int16_t attnum = ++attnums_;
    const Type types[] = {int32_type, int64_type, text_type};
    const Type type = types[random(3)];
    columns_.push_back(shape_column(attnum, fmt::format("added{}", attnum), type));
    std::optional<std::string> constant;
    if (random(2) == 0) {
      constant = std::to_string(random(1'000));
      append_text(to.constants.emplace(attnum, type).first->second, constant, arena_);
    }
    for (auto& [id, row] : rows_) row[attnum] = constant;
  }

  Values fresh(std::int64_t id) {
    Values values;
    for (const ColumnSchema& column : columns_) {
      auto& value = rows_[id][column.attnum];
      value = column.attnum == 1 ? std::to_string(id) : some_value();
      values.push_back(value);
    }
    return values;
  }

  Values updated(std::int64_t id) {
    Values values;
    for (const ColumnSchema& column : columns_) {
      auto& value = rows_[id][column.attnum];
      if (column.attnum != 1 && random(2) == 0) {
        values.emplace_back(unchanged);
        continue;
      }
      if (column.attnum != 1) value = some_value();
      values.push_back(value);
    }
    return values;
  }

  void make_schema() { schema_ = shape(columns_); }

  std::mt19937_64 random_;
  std::vector<ColumnSchema> columns_;
  std::map<std::int64_t, Row> rows_;
  std::shared_ptr<const TableSchema> schema_;
  std::int16_t attnums_ = 2;
  int names_ = 0;
  Arena arena_;
};

TEST(Oracle, AgreesWithAMapThroughAlterations) {
  for (const std::uint64_t seed : {1U, 2U}) {
    AlteredTable table(seed);
    ShapedStore store(table.schema());
    for (int step = 0; step < 40; ++step) {
      // A transaction of some parts, with alterations between them.
      for (std::uint64_t parts = table.random(4); parts > 0; --parts) {
        Shaped part(table.schema());
        table.change(part, table.random(40));
        store.apply(part, true);
        ASSERT_TRUE(store.alter(table.alter()).empty());
      }
      Shaped last(table.schema());
      table.change(last, table.random(40));
      ASSERT_TRUE(store.apply(last).empty());
      if (table.random(3) == 0) must(store.writer->tidy());
      if (table.random(10) == 0) store.reopen();
      ASSERT_EQ(store.lines(), table.lines()) << "seed " << seed << ", step " << step;
    }
  }
}

}  // namespace
}  // namespace freshet::collection
