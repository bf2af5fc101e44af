#include "engine/read_columns.h"

namespace freshet::engine {

namespace {

// Null `keep`: strings stay where they are.
void append_value(Column& to, const VectorView& from, std::size_t row, Arena* keep) {
  if (from.is_null(row)) return to.append_null();
  const TypeKind kind = to.type().kind;
  if (is_string(kind)) {
    const std::string_view text = from.text(row);
    return to.append_string(keep == nullptr ? text : keep->keep(text));
  }
  if (kind == TypeKind::List) {
    const ListRef list = from.list(row);
    const ListRef copied{to.child().size(), list.size};
    for (std::uint64_t i = 0; i < list.size; ++i) {
      append_value(to.child(), from.child(0), static_cast<std::size_t>(list.offset + i), keep);
    }
    return to.append(copied);
  }
  const std::size_t size = width(to.type());
  to.append_bytes(static_cast<const std::byte*>(from.data()) + row * size, size);
}

}  // namespace

void append_all(Column& to, const VectorView& from, std::size_t rows) {
  for (std::size_t row = 0; row < rows; ++row) append_value(to, from, row, nullptr);
}

void append_all(Column& to, const VectorView& from, std::size_t rows, Arena& keep) {
  for (std::size_t row = 0; row < rows; ++row) append_value(to, from, row, &keep);
}

void append_row(Column& to, const VectorView& from, std::size_t row, Arena& keep) {
  append_value(to, from, row, &keep);
}

}  // namespace freshet::engine
