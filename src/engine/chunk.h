// A chunk of a result as DuckDB lays it out, behind the views of statement.h.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "engine/handles.h"
#include "engine/statement.h"

namespace freshet::engine {

using ResultColumns = std::shared_ptr<const std::vector<ResultColumn>>;

// A vector of a chunk, with those inside it. `type` must outlive it.
class DuckVector final : public VectorView {
 public:
  DuckVector(_duckdb_vector* vector, const LogicalType& type, std::size_t size);

  bool is_null(std::size_t row) const override {
    return validity_ != nullptr && (validity_[row / 64] >> (row % 64) & 1) == 0;
  }
  const void* data() const override { return data_; }
  std::string_view text(std::size_t row) const override;
  ListRef list(std::size_t row) const override;
  const VectorView& child(std::size_t index) const override { return *children_.at(index); }
  std::string print(std::size_t row) const override;

  const LogicalType& type() const { return *type_; }
  const DuckVector& vector_child(std::size_t index) const { return *children_.at(index); }
  std::size_t union_tag(std::size_t row) const;
  OwnedType engine_type() const;

  template <typename T>
  const T& get(std::size_t row) const {
    return reinterpret_cast<const T*>(data_)[row];
  }

 private:
  void add_child(_duckdb_vector* vector, std::size_t index, std::size_t size);

  _duckdb_vector* vector_;
  const LogicalType* type_;
  const std::byte* data_;
  const std::uint64_t* validity_;    // a bit per row, null when no value is null
  const std::byte* tags_ = nullptr;  // Union: which member each row has
  std::size_t array_size_ = 0;       // Array: elements per row
  std::vector<std::unique_ptr<DuckVector>> children_;
};

std::unique_ptr<Chunk> make_chunk(OwnedChunk chunk, ResultColumns columns);

// A value of any type as text, by way of the engine's own printing (value.cc).
std::string printed(const DuckVector& vector, std::size_t row);

}  // namespace freshet::engine
