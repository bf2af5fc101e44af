#include "engine/chunk.h"

#include <utility>

#include "base/check.h"
#include "duckdb.h"

namespace freshet::engine {

namespace {

class DuckChunk final : public Chunk {
 public:
  DuckChunk(OwnedChunk chunk, ResultColumns columns)
      : chunk_(std::move(chunk)), columns_(std::move(columns)) {
    CHECK(columns_->size() == duckdb_data_chunk_get_column_count(chunk_.get()));
    vectors_.reserve(columns_->size());
    for (std::size_t i = 0; i < columns_->size(); ++i) {
      vectors_.emplace_back(duckdb_data_chunk_get_vector(chunk_.get(), i), (*columns_)[i].type,
                            size());
    }
  }
  std::size_t size() const override { return duckdb_data_chunk_get_size(chunk_.get()); }
  const VectorView& column(std::size_t index) const override { return vectors_.at(index); }

 private:
  OwnedChunk chunk_;
  ResultColumns columns_;  // the vectors refer to its types
  std::vector<DuckVector> vectors_;
};

}  // namespace

void Free::operator()(duckdb_data_chunk chunk) const {
  duckdb_destroy_data_chunk(&chunk);
}

std::unique_ptr<Chunk> make_chunk(OwnedChunk chunk, ResultColumns columns) {
  return std::make_unique<DuckChunk>(std::move(chunk), std::move(columns));
}

DuckVector::DuckVector(duckdb_vector vector, const LogicalType& type, std::size_t size)
    : vector_(vector),
      type_(&type),
      data_(static_cast<const std::byte*>(duckdb_vector_get_data(vector))),
      validity_(duckdb_vector_get_validity(vector)) {
  switch (type.kind) {
    case LogicalKind::List:
      add_child(duckdb_list_vector_get_child(vector), 0, duckdb_list_vector_get_size(vector));
      return;
    case LogicalKind::Array:
      array_size_ = duckdb_array_type_array_size(engine_type().get());
      add_child(duckdb_array_vector_get_child(vector), 0, size * array_size_);
      return;
    case LogicalKind::Map: {  // a list of structs of key and value
      const duckdb_vector entries = duckdb_list_vector_get_child(vector);
      const std::size_t entries_size = duckdb_list_vector_get_size(vector);
      add_child(duckdb_struct_vector_get_child(entries, 0), 0, entries_size);
      add_child(duckdb_struct_vector_get_child(entries, 1), 1, entries_size);
      return;
    }
    case LogicalKind::Struct:
    case LogicalKind::Range:
    case LogicalKind::Multirange:
      for (std::size_t i = 0; i < type.children.size(); ++i) {
        add_child(duckdb_struct_vector_get_child(vector, i), i, size);
      }
      return;
    case LogicalKind::Union:  // a struct whose first field is the tag
      tags_ = static_cast<const std::byte*>(
          duckdb_vector_get_data(duckdb_struct_vector_get_child(vector, 0)));
      for (std::size_t i = 0; i < type.children.size(); ++i) {
        add_child(duckdb_struct_vector_get_child(vector, i + 1), i, size);
      }
      return;
    default: return;
  }
}

void DuckVector::add_child(duckdb_vector vector, std::size_t index, std::size_t size) {
  children_.push_back(std::make_unique<DuckVector>(vector, type_->children.at(index), size));
}

std::string_view DuckVector::text(std::size_t row) const {
  const auto& text = get<duckdb_string_t>(row).value;
  constexpr std::size_t inlined_max = sizeof text.inlined.inlined;
  const std::size_t length = text.inlined.length;
  return {length <= inlined_max ? text.inlined.inlined : text.pointer.ptr, length};
}

ListRef DuckVector::list(std::size_t row) const {
  if (type_->kind == LogicalKind::Array) return {row * array_size_, array_size_};
  return get<ListRef>(row);
}

std::size_t DuckVector::union_tag(std::size_t row) const {
  return std::to_integer<std::size_t>(tags_[row]);
}

OwnedType DuckVector::engine_type() const {
  return OwnedType(duckdb_vector_get_column_type(vector_));
}

std::string DuckVector::print(std::size_t row) const {
  if (is_null(row)) return "NULL";
  if (type_->kind == LogicalKind::Text) return std::string(text(row));
  return printed(*this, row);
}

}  // namespace freshet::engine
