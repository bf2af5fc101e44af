#include "engine/fill.h"

#include <cstring>
#include <vector>

#include "base/check.h"
#include "duckdb.h"

namespace freshet::engine {

namespace {

// Rows in a row, or rows by name: what both ways of filling have in common.
struct Range {
  std::size_t begin;
  std::size_t end;
  std::size_t size() const { return end - begin; }
  std::size_t operator[](std::size_t i) const { return begin + i; }
};
using Picked = std::span<const std::uint32_t>;

template <typename Rows>
void fill_validity(duckdb_vector vector, const Column& column, const Rows& rows) {
  if (column.all_present()) return;
  const std::vector<ValueState>& states = column.states();
  std::uint64_t* validity = nullptr;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const ValueState state = states[rows[i]];
    if (state == ValueState::Present) continue;
    CHECK(state == ValueState::Null);
    if (validity == nullptr) {
      duckdb_vector_ensure_validity_writable(vector);
      validity = duckdb_vector_get_validity(vector);
    }
    validity[i / 64] &= ~(std::uint64_t{1} << (i % 64));
  }
}

template <std::size_t width>
void gather(std::byte* to, const std::byte* from, const Picked& rows) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::memcpy(to + i * width, from + rows[i] * width, width);
  }
}

void fill_fixed(duckdb_vector vector, const Column& column, const Range& rows) {
  const std::size_t size = width(column.type());
  std::memcpy(duckdb_vector_get_data(vector), column.data() + rows.begin * size,
              rows.size() * size);
}

void fill_fixed(duckdb_vector vector, const Column& column, const Picked& rows) {
  auto* const to = static_cast<std::byte*>(duckdb_vector_get_data(vector));
  const std::byte* const from = column.data();
  switch (width(column.type())) {
    case 1: return gather<1>(to, from, rows);
    case 2: return gather<2>(to, from, rows);
    case 4: return gather<4>(to, from, rows);
    case 8: return gather<8>(to, from, rows);
    case 16: return gather<16>(to, from, rows);
    default: CHECK(false);
  }
}

// The engine's string: short ones lie inside, of long ones the first four bytes do.
duckdb_string_t borrowed(const StringRef& text) {
  duckdb_string_t string{};
  auto& pointer = string.value.pointer;
  pointer.length = static_cast<std::uint32_t>(text.size);
  if (text.size <= sizeof string.value.inlined.inlined) {
    if (text.size > 0) std::memcpy(string.value.inlined.inlined, text.data, text.size);
    return string;
  }
  std::memcpy(pointer.prefix, text.data, sizeof pointer.prefix);
  pointer.ptr = const_cast<char*>(text.data);  // nobody writes through it
  return string;
}

template <typename Rows>
void fill_strings(duckdb_vector vector, const Column& column, const Rows& rows, Strings strings) {
  const auto* const from = reinterpret_cast<const StringRef*>(column.data());
  auto* const to = static_cast<duckdb_string_t*>(duckdb_vector_get_data(vector));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const StringRef& text = from[rows[i]];  // of a null: empty
    if (strings == Strings::Borrowed) {
      to[i] = borrowed(text);
    } else if (column.state(rows[i]) == ValueState::Present) {
      duckdb_vector_assign_string_element_len(vector, i, text.data, text.size);
    }
  }
}

template <typename Rows>
void fill_lists(duckdb_vector vector, const Column& column, const Rows& rows, Strings strings) {
  auto* const to = static_cast<duckdb_list_entry*>(duckdb_vector_get_data(vector));
  std::vector<std::uint32_t> elements;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    ListRef list;
    if (column.state(rows[i]) == ValueState::Present) list = column.get<ListRef>(rows[i]);
    to[i] = {elements.size(), list.size};
    for (std::uint64_t at = list.offset; at < list.offset + list.size; ++at) {
      elements.push_back(static_cast<std::uint32_t>(at));
    }
  }
  CHECK(duckdb_list_vector_reserve(vector, elements.size()) == DuckDBSuccess);
  CHECK(duckdb_list_vector_set_size(vector, elements.size()) == DuckDBSuccess);
  fill(duckdb_list_vector_get_child(vector), column.child(), elements, strings);
}

template <typename Rows>
void fill_any(duckdb_vector vector, const Column& column, const Rows& rows, Strings strings) {
  if (column.type().kind == TypeKind::List) {
    fill_lists(vector, column, rows, strings);
  } else if (is_string(column.type().kind)) {
    fill_strings(vector, column, rows, strings);
  } else {
    fill_fixed(vector, column, rows);
  }
  fill_validity(vector, column, rows);
}

}  // namespace

void fill(duckdb_vector vector, const Column& column, std::size_t begin, std::size_t end,
          Strings strings) {
  fill_any(vector, column, Range{begin, end}, strings);
}

void fill(duckdb_vector vector, const Column& column, std::span<const std::uint32_t> rows,
          Strings strings) {
  fill_any(vector, column, rows, strings);
}

}  // namespace freshet::engine
