#include "model/column.h"

#include <algorithm>

namespace freshet {

void Column::append_from(const Column& other, std::size_t row) {
  CHECK(type_ == other.type_);
  CHECK(&other != this);  // appending may move the bytes that are being read
  if (other.state(row) != ValueState::Present) return append_absent(other.state(row));
  if (!child_) return append_bytes(other.at(row), width_);
  const auto list = other.get<ListRef>(row);
  const ListRef copied{child_->size(), list.size};
  for (std::uint64_t i = 0; i < list.size; ++i) {
    child_->append_from(*other.child_, static_cast<std::size_t>(list.offset + i));
  }
  append(copied);
}

void Column::fill_from(std::size_t row, const Column& other, std::size_t other_row) {
  CHECK(type_ == other.type_);
  CHECK(state(row) == ValueState::Unchanged);
  states_[row] = other.state(other_row);
  if (other.state(other_row) != ValueState::Present) return;
  --absent_;
  std::byte* const to = data_.data() + row * width_;
  if (!child_) {
    std::memcpy(to, other.at(other_row), width_);
    return;
  }
  const auto list = other.get<ListRef>(other_row);
  const ListRef copied{child_->size(), list.size};
  for (std::uint64_t i = 0; i < list.size; ++i) {
    child_->append_from(*other.child_, static_cast<std::size_t>(list.offset + i));
  }
  std::memcpy(to, &copied, sizeof copied);
}

void Column::drop_to(std::size_t rows) {
  CHECK(rows <= size());
  for (std::size_t row = rows; row < size(); ++row) {
    if (states_[row] != ValueState::Present) --absent_;
  }
  states_.resize(rows);
  data_.resize(rows * width_);
  if (!child_) return;
  // Lists lie in append order but for those that fill_from completed, so the last one kept need not
  // be the one that ends last.
  std::size_t elements = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    if (states_[row] != ValueState::Present) continue;
    const auto list = get<ListRef>(row);
    elements = std::max(elements, static_cast<std::size_t>(list.offset + list.size));
  }
  child_->drop_to(elements);
}

std::vector<Column> columns_of(const std::vector<Type>& types) {
  std::vector<Column> columns;
  columns.reserve(types.size());
  for (const Type type : types) columns.emplace_back(type);
  return columns;
}

}  // namespace freshet
