// Numbers in the cells of Rows (connection.h), which are text.
#pragma once

#include <charconv>
#include <optional>
#include <string>

namespace freshet::postgres {

// Zero for null and for what is no number.
template <typename T>
T number(const std::optional<std::string>& cell) {
  T value{};
  if (cell) std::from_chars(cell->data(), cell->data() + cell->size(), value);
  return value;
}

}  // namespace freshet::postgres
