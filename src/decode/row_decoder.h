// Decodes the tuples of one table straight into the columns of its TableChanges.
//
// A tuple is int16 columns, then for each a kind byte: n null, u unchanged, t text or b binary, the
// last two with an int32 length and the value. It is read or it leaves no trace: after a failure
// the columns are as they were.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/bytes.h"
#include "model/change.h"
#include "postgres/values.h"

namespace freshet::decode {

enum class Outcome : std::uint8_t {
  Done,
  Malformed,      // the message is broken: corruption of the stream
  Unrepresented,  // a value that its column cannot hold: stops the table
  OtherShape,     // not a row of this schema: stops the table
  OtherForm,      // a binary value of a type we know as text only: stops the table
};

class RowDecoder {
 public:
  explicit RowDecoder(std::shared_ptr<const TableSchema> schema);

  const std::shared_ptr<const TableSchema>& schema() const { return schema_; }

  // Appends a new row to changes.rows. An update may leave values out: those of identity columns
  // are taken from the old row, a row of changes.old, the others become Unchanged.
  struct NewRow {
    bool update = false;
    std::uint32_t old = Change::none;
  };
  Outcome read_new(ByteReader& reader, TableChanges& changes, NewRow row, Arena& arena);
  // Appends an old row to changes.old: the identity columns of the tuple.
  Outcome read_old(ByteReader& reader, TableChanges& changes, Arena& arena);

  // The reason of the last outcome that was not Done.
  Error take_error() { return std::move(error_); }
  // If that was a value that its column cannot hold: what can.
  std::optional<WidenedColumn> take_widened() { return std::exchange(widened_, std::nullopt); }

 private:
  struct Input {
    postgres::ValueDecoder text;
    postgres::ValueDecoder binary;
    std::int32_t old = -1;  // ordinal among the identity columns, or -1
  };
  Outcome read_count(ByteReader& reader);
  Outcome read_columns(ByteReader& reader, TableChanges& changes, NewRow row, Arena& arena);
  Outcome read_identity(ByteReader& reader, TableChanges& changes, Arena& arena);
  Outcome read_value(ByteReader& reader, char kind, std::size_t ordinal, Column& column,
                     Arena& arena);
  Outcome take_unchanged(TableChanges& changes, NewRow row, std::size_t ordinal);
  Outcome fail(Outcome outcome, std::string_view reason);

  std::shared_ptr<const TableSchema> schema_;
  std::vector<Input> inputs_;  // one per column of the schema
  Error error_;
  std::optional<WidenedColumn> widened_;
};

}  // namespace freshet::decode
