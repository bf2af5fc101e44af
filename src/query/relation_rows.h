// Builds the rows of a relation that the program makes, column by column, left to right.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/table_function.h"

namespace freshet::query {

class RelationBuilder {
 public:
  explicit RelationBuilder(const std::vector<engine::RelationColumn>& columns) {
    for (const engine::RelationColumn& column : columns) rows_.columns.emplace_back(column.type);
  }

  RelationBuilder& text(std::string value) {
    rows_.keep.push_back(std::make_shared<const std::string>(std::move(value)));
    next().append_string(*rows_.keep.back());
    return *this;
  }
  // Text that outlives the program's queries: names of tables of types.
  RelationBuilder& constant(std::string_view value) {
    next().append_string(value);
    return *this;
  }
  RelationBuilder& integer(std::int64_t value) {
    next().append(value);
    return *this;
  }
  RelationBuilder& integer(std::optional<std::int64_t> value) {
    if (value) return integer(*value);
    next().append_null();
    return *this;
  }
  RelationBuilder& real(std::optional<double> value) {
    if (value) {
      next().append(*value);
    } else {
      next().append_null();
    }
    return *this;
  }
  RelationBuilder& truth(bool value) {
    next().append(static_cast<std::uint8_t>(value ? 1 : 0));
    return *this;
  }

  engine::RelationRows finish() { return std::move(rows_); }

 private:
  Column& next() {
    Column& column = rows_.columns[at_];
    at_ = (at_ + 1) % rows_.columns.size();
    return column;
  }

  engine::RelationRows rows_;
  std::size_t at_ = 0;
};

}  // namespace freshet::query
