#include "decode/row_decoder.h"

#include <fmt/core.h>

#include "postgres/types.h"

namespace freshet::decode {

using postgres::Format;

RowDecoder::RowDecoder(std::shared_ptr<const TableSchema> schema) : schema_(std::move(schema)) {
  for (const ColumnSchema& column : schema_->columns) {
    inputs_.push_back(
        {.text = postgres::value_decoder(column.pg_type, column.type, Format::Text),
         .binary = postgres::value_decoder(column.pg_type, column.type, Format::Binary)});
  }
  std::int32_t old = 0;
  for (const std::size_t ordinal : schema_->identity_columns()) inputs_[ordinal].old = old++;
}

Outcome RowDecoder::read_new(ByteReader& reader, TableChanges& changes, NewRow row, Arena& arena) {
  const std::size_t rows = changes.row_count();
  const Outcome outcome = read_columns(reader, changes, row, arena);
  if (outcome == Outcome::Done) return outcome;
  for (Column& column : changes.rows) {
    if (column.size() > rows) column.drop_to(rows);
  }
  return outcome;
}

Outcome RowDecoder::read_old(ByteReader& reader, TableChanges& changes, Arena& arena) {
  const std::size_t rows = changes.old.empty() ? 0 : changes.old.front().size();
  const Outcome outcome = read_identity(reader, changes, arena);
  if (outcome == Outcome::Done) return outcome;
  for (Column& column : changes.old) {
    if (column.size() > rows) column.drop_to(rows);
  }
  return outcome;
}

Outcome RowDecoder::read_columns(ByteReader& reader, TableChanges& changes, NewRow row,
                                 Arena& arena) {
  const Outcome counted = read_count(reader);
  if (counted != Outcome::Done) return counted;
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    Outcome outcome = Outcome::Done;
    switch (const char kind = reader.big<char>()) {
      case 't':
      case 'b': outcome = read_value(reader, kind, i, changes.rows[i], arena); break;
      case 'n': changes.rows[i].append_null(); break;
      case 'u': outcome = take_unchanged(changes, row, i); break;
      default: outcome = fail(Outcome::Malformed, "unknown kind of value");
    }
    if (outcome != Outcome::Done) return outcome;
  }
  return reader.ok() ? Outcome::Done : fail(Outcome::Malformed, "row runs out");
}

Outcome RowDecoder::read_identity(ByteReader& reader, TableChanges& changes, Arena& arena) {
  const Outcome counted = read_count(reader);
  if (counted != Outcome::Done) return counted;
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    const char kind = reader.big<char>();
    const bool has_value = kind == 't' || kind == 'b';
    if (!has_value && kind != 'n') {
      return fail(Outcome::Malformed, "unknown kind of value in an old row");
    }
    if (inputs_[i].old < 0) {  // outside the key: null, whatever its value was
      if (has_value) reader.bytes(reader.big<std::uint32_t>());
      continue;
    }
    Column& column = changes.old[static_cast<std::size_t>(inputs_[i].old)];
    if (has_value) {
      const Outcome outcome = read_value(reader, kind, i, column, arena);
      if (outcome != Outcome::Done) return outcome;
    } else if (schema_->identity == Identity::Full) {
      column.append_null();
    } else {
      return fail(Outcome::Unrepresented,
                  fmt::format("key column {} is null", schema_->columns[i].name));
    }
  }
  return reader.ok() ? Outcome::Done : fail(Outcome::Malformed, "old row runs out");
}

Outcome RowDecoder::read_count(ByteReader& reader) {
  const auto count = reader.big<std::int16_t>();
  if (!reader.ok() || count < 0) return fail(Outcome::Malformed, "row runs out");
  if (static_cast<std::size_t>(count) == inputs_.size()) return Outcome::Done;
  return fail(Outcome::OtherShape,
              fmt::format("a row has {} columns where {} are known", count, inputs_.size()));
}

Outcome RowDecoder::read_value(ByteReader& reader, char kind, std::size_t ordinal, Column& column,
                               Arena& arena) {
  const auto size = reader.big<std::int32_t>();
  if (size < 0) return fail(Outcome::Malformed, "negative length of a value");
  const Bytes value = reader.bytes(static_cast<std::size_t>(size));
  if (!reader.ok()) return fail(Outcome::Malformed, "row runs out");
  const Input& input = inputs_[ordinal];
  const postgres::ValueDecoder& decoder = kind == 't' ? input.text : input.binary;
  const postgres::ValueFault fault = decoder.append(column, value, arena);
  if (fault == postgres::ValueFault::None) return Outcome::Done;
  const ColumnSchema& its = schema_->columns[ordinal];
  error_ = decoder.error(fault, value).with_context("column " + its.name);
  if (const auto type = postgres::wider(its.type, fault)) {
    widened_ = WidenedColumn{its.attnum, its.declared_type(), *type};
  }
  return fault == postgres::ValueFault::NoBinaryForm ? Outcome::OtherForm : Outcome::Unrepresented;
}

Outcome RowDecoder::take_unchanged(TableChanges& changes, NewRow row, std::size_t ordinal) {
  if (!row.update) return fail(Outcome::Malformed, "an inserted row leaves a value out");
  const std::int32_t old = inputs_[ordinal].old;
  Column& column = changes.rows[ordinal];
  if (old < 0) {
    column.append_unchanged();
  } else if (row.old != Change::none) {
    column.append_from(changes.old[static_cast<std::size_t>(old)], row.old);
  } else {
    return fail(Outcome::Unrepresented,
                fmt::format("an update left out key column {}", schema_->columns[ordinal].name));
  }
  return Outcome::Done;
}

Outcome RowDecoder::fail(Outcome outcome, std::string_view reason) {
  error_ = {};
  error_.message = reason;
  return outcome;
}

}  // namespace freshet::decode
