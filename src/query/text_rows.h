// A few rows of text as a chunk, for what a session answers without the engine: SHOW, EXPLAIN.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/statement.h"

namespace freshet::query {

class TextVector final : public engine::VectorView {
 public:
  explicit TextVector(std::vector<std::optional<std::string>> values)
      : values_(std::move(values)) {}
  bool is_null(std::size_t row) const override { return !values_[row].has_value(); }
  const void* data() const override { return nullptr; }
  std::string_view text(std::size_t row) const override {
    return values_[row] ? std::string_view(*values_[row]) : std::string_view();
  }
  ListRef list(std::size_t /*row*/) const override { return {}; }
  const VectorView& child(std::size_t /*index*/) const override { return *this; }
  std::string print(std::size_t row) const override { return std::string(text(row)); }

 private:
  std::vector<std::optional<std::string>> values_;
};

class TextChunk final : public engine::Chunk {
 public:
  // One vector of values per column, all of one size.
  explicit TextChunk(std::vector<std::vector<std::optional<std::string>>> columns) {
    size_ = columns.empty() ? 0 : columns.front().size();
    for (auto& column : columns) columns_.emplace_back(std::move(column));
  }
  std::size_t size() const override { return size_; }
  const engine::VectorView& column(std::size_t index) const override { return columns_[index]; }

 private:
  std::size_t size_ = 0;
  std::vector<TextVector> columns_;
};

}  // namespace freshet::query
