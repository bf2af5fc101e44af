// A prepared statement, its parameters, and the rows it gives, chunk by chunk.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "model/column.h"
#include "model/type.h"

namespace freshet::engine {

// The engine's logical types: more than a collection can hold, because SQL can compute them.
enum class LogicalKind : std::uint8_t {
  Bool,
  Int8,
  Int16,
  Int32,
  Int64,
  Int128,
  UInt8,
  UInt16,
  UInt32,
  UInt64,
  UInt128,
  Float32,
  Float64,
  Decimal,
  Numeric,     // NUMERIC_VALUE: the bytes of exact_numeric.h
  Sortable,    // LogicalType::shown, in the bytes of model/sortable.h
  Range,       // a struct: range_types.h
  Multirange,  // a struct of a list of ranges
  Text,
  Bytes,
  Date,
  Time,
  TimeTz,
  Timestamp,
  TimestampS,
  TimestampMs,
  TimestampNs,
  TimestampTz,
  Interval,
  Uuid,
  Bit,
  BigInt,
  Enum,
  List,
  Array,
  Struct,
  Map,
  Union,
  Null,
  Other,
};

struct LogicalType {
  LogicalKind kind = LogicalKind::Text;
  std::uint8_t precision = 0;  // Decimal
  std::uint8_t scale = 0;
  Shown shown = Shown::AsStored;  // Sortable, Range, Multirange
  std::string alias{};            // a name of ours, as "JSONB" or "INET"; or "JSON"; or empty
  std::vector<LogicalType>
      children{};  // List and Array: one; Map: key and value; Struct and Union: one per field
  std::vector<std::string> field_names{};  // Struct, Union
  friend bool operator==(const LogicalType&, const LogicalType&) = default;
};

struct ResultColumn {
  std::string name;
  LogicalType type;
};

// One column of a chunk of a result. Borrowed: valid until the chunk goes.
class VectorView {
 public:
  virtual ~VectorView() = default;
  virtual bool is_null(std::size_t row) const = 0;
  // Values as the engine lays them out (see model/type.h; strings through text()).
  virtual const void* data() const = 0;
  virtual std::string_view text(std::size_t row) const = 0;      // Text and Bytes
  virtual ListRef list(std::size_t row) const = 0;               // List; Array answers alike
  virtual const VectorView& child(std::size_t index) const = 0;  // of List, Array, Struct, Map
  // Any value of any type as the engine itself would print it.
  virtual std::string print(std::size_t row) const = 0;
};

class Chunk {
 public:
  virtual ~Chunk() = default;
  virtual std::size_t size() const = 0;  // rows, at most 2,048
  virtual const VectorView& column(std::size_t index) const = 0;
};

// The rows of one execution, in order. Belongs to the statement's thread; ends before its
// statement.
class RowStream {
 public:
  virtual ~RowStream() = default;
  virtual const std::vector<ResultColumn>& columns() const = 0;
  // Null at the end. Fails in the middle when the statement does.
  virtual Result<std::unique_ptr<Chunk>> next() = 0;
};

class Statement {
 public:
  virtual ~Statement() = default;
  virtual std::size_t parameter_count() const = 0;
  virtual LogicalType parameter_type(std::size_t index) const = 0;  // Null when not known; from 0
  // Known before execution, so that Describe can answer. Empty for statements without rows. While
  // the type of a parameter is not known: one column "unknown" of kind Null.
  virtual const std::vector<ResultColumn>& columns() const = 0;
  // True for SELECT, VALUES, EXPLAIN, SHOW and the like: nothing that changes data or settings.
  virtual bool reads_only() const = 0;

  virtual Result<> bind_null(std::size_t index) = 0;
  virtual Result<> bind_text(std::size_t index, std::string_view value) = 0;
  virtual Result<> bind_int64(std::size_t index, std::int64_t value) = 0;
  virtual Result<> bind_double(std::size_t index, double value) = 0;
  virtual Result<> bind_bool(std::size_t index, bool value) = 0;
  virtual Result<> bind_bytes(std::size_t index, Bytes value) = 0;

  // Streams: rows are made as they are fetched.
  virtual Result<std::unique_ptr<RowStream>> execute() = 0;
};

}  // namespace freshet::engine
