// Rows of a binary COPY, decoded into columns.
//
//   header    "PGCOPY\n\377\r\n\0", u32 flags, u32 length of an extension, the extension
//   row       i16 number of fields, then per field i32 length (-1: null) and the bytes
//   trailer   i16 -1
//
// All numbers are big-endian. PostgreSQL sends it as a stream: a message may end anywhere, though
// today each row is a message of its own and the header comes with the first.
//
// Source: PostgreSQL documentation, COPY, "Binary Format".
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/result.h"
#include "model/column.h"
#include "model/schema.h"
#include "postgres/values.h"

namespace freshet::snapshot {

// Some rows, column by column in the schema's order, and the bytes that their strings point into.
struct RowBatch {
  std::vector<Column> columns;
  Arena arena;

  void clear() {
    for (Column& column : columns) column.clear();
    arena.reset();
  }
};

// Takes rows, at most 2,048 × n at a time. It may keep the batch, and leave an empty one of the
// same columns in its place.
using RowSink = std::function<Result<>(RowBatch&)>;

// One thread.
class CopyRows {
 public:
  struct Options {
    std::size_t rows_max = 2048 * 8;    // of a batch
    std::size_t bytes_max = 4U << 20U;  // of a batch's payloads, more or less
  };

  // Columns without a binary form are taken to be text. The schema outlives this.
  CopyRows(const TableSchema& schema, RowSink sink, Options options);

  // The next bytes of the stream; they need not stay. Fails with 22P03 when they are no binary
  // COPY of this table, and with the sink's error.
  Result<> take(Bytes bytes);
  // At the end of the stream: hands over the last batch.
  Result<> finish();

  std::uint64_t rows() const { return rows_; }
  // When take() failed at a value that its column cannot hold: what can.
  std::optional<WidenedColumn> widened() const { return widened_; }

 private:
  enum class Expects { Header, Rows, Nothing };

  Result<std::size_t> take_whole(Bytes bytes);  // the bytes it could use
  Result<std::size_t> take_header(Bytes bytes);
  Result<std::size_t> take_row(Bytes bytes);  // 0 when its rest has not come
  Result<> flush();

  const TableSchema& schema_;
  RowSink sink_;
  Options options_;
  RowBatch batch_;
  std::vector<postgres::ValueDecoder> decoders_;
  std::string carry_;  // the beginning of something whose rest has not come
  Expects expects_ = Expects::Header;
  std::size_t batch_rows_ = 0;
  std::size_t batch_bytes_ = 0;
  std::uint64_t rows_ = 0;
  std::optional<WidenedColumn> widened_;
};

}  // namespace freshet::snapshot
