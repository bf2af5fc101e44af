#include "snapshot/copy_rows.h"

#include <fmt/core.h>

#include <utility>

#include "postgres/sqlstate.h"
#include "postgres/types.h"

namespace freshet::snapshot {

namespace sqlstate = postgres::sqlstate;
using postgres::Format;

namespace {

constexpr std::string_view signature("PGCOPY\n\377\r\n\0", 11);
constexpr std::size_t header_bytes_min = signature.size() + 4 + 4;

Error malformed(std::string_view what) {
  return {.sqlstate = sqlstate::invalid_binary_representation,
          .message = fmt::format("the server's binary copy {}", what)};
}

}  // namespace

CopyRows::CopyRows(const TableSchema& schema, RowSink sink, Options options)
    : schema_(schema), sink_(std::move(sink)), options_(options) {
  for (const ColumnSchema& column : schema.columns) {
    batch_.columns.emplace_back(column.type);
    const bool binary = postgres::has_binary_form(column);
    decoders_.push_back(postgres::value_decoder(column.pg_type, column.type,
                                                binary ? Format::Binary : Format::Text));
  }
}

Result<> CopyRows::take(Bytes bytes) {
  if (!carry_.empty()) {
    carry_.append(as_text(bytes));
    bytes = as_bytes(carry_);
  }
  // Strings will point into it until the batch is flushed.
  const std::string_view kept = batch_.arena.keep(as_text(bytes));
  batch_bytes_ += kept.size();
  const std::size_t used = TRY(take_whole(as_bytes(kept)));
  if (used < kept.size() || !carry_.empty()) carry_.assign(kept.substr(used));
  if (batch_rows_ >= options_.rows_max || batch_bytes_ >= options_.bytes_max) return flush();
  return {};
}

Result<> CopyRows::finish() {
  if (expects_ != Expects::Nothing || !carry_.empty()) return malformed("ends too early");
  return flush();
}

Result<std::size_t> CopyRows::take_whole(Bytes bytes) {
  std::size_t used = 0;
  if (expects_ == Expects::Header) {
    used = TRY(take_header(bytes));
    if (used == 0) return used;
    expects_ = Expects::Rows;
  }
  while (expects_ == Expects::Rows && used < bytes.size()) {
    const std::size_t row = TRY(take_row(bytes.subspan(used)));
    if (row == 0) return used;
    used += row;
  }
  if (used < bytes.size()) return malformed("goes on after its end");
  return used;
}

Result<std::size_t> CopyRows::take_header(Bytes bytes) {
  if (bytes.size() < header_bytes_min) return std::size_t{0};
  ByteReader reader(bytes);
  if (as_text(reader.bytes(signature.size())) != signature) return malformed("lacks its signature");
  // The upper half of the flags is for what a reader must understand; object ids are one such.
  if (reader.big<std::uint32_t>() >> 16U != 0) return malformed("has an unknown format");
  reader.bytes(reader.big<std::uint32_t>());
  return reader.ok() ? bytes.size() - reader.remaining() : std::size_t{0};
}

Result<std::size_t> CopyRows::take_row(Bytes bytes) {
  std::vector<Column>& columns = batch_.columns;
  ByteReader reader(bytes);
  const auto fields = reader.big<std::int16_t>();
  if (!reader.ok()) return std::size_t{0};
  if (fields == -1) {
    expects_ = Expects::Nothing;
    return sizeof fields;
  }
  if (std::cmp_not_equal(fields, columns.size())) return malformed("has another number of columns");
  for (std::size_t column = 0; column < columns.size(); ++column) {
    const auto size = reader.big<std::int32_t>();
    if (size == -1) {
      columns[column].append_null();
      continue;
    }
    if (size < 0) return malformed("has a value of negative length");
    const Bytes value = reader.bytes(static_cast<std::size_t>(size));
    if (!reader.ok()) {
      for (Column& half : columns) {
        if (half.size() > batch_rows_) half.drop_to(batch_rows_);
      }
      return std::size_t{0};
    }
    const auto fault = decoders_[column].append(columns[column], value, batch_.arena);
    if (fault != postgres::ValueFault::None) {
      const ColumnSchema& its = schema_.columns[column];
      if (const auto type = postgres::wider(its.type, fault)) {
        widened_ = WidenedColumn{its.attnum, its.declared_type(), *type};
      }
      return decoders_[column]
          .error(fault, value)
          .with_context("column " + schema_.columns[column].name);
    }
  }
  ++batch_rows_;
  return bytes.size() - reader.remaining();
}

Result<> CopyRows::flush() {
  if (batch_rows_ > 0) TRY(sink_(batch_));
  rows_ += batch_rows_;
  batch_rows_ = 0;
  batch_bytes_ = 0;
  batch_.clear();
  return {};
}

}  // namespace freshet::snapshot
