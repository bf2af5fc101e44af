// Values of PostgreSQL, decoded by a function that is chosen once per column.
//
// append_value (types.h) is the convenient form of the same thing: it chooses for every value.
// Rows by the million go through a ValueDecoder. It answers with one byte, because a Result holds
// an Error of several strings and would cost more than the value; the Error is built on failure
// only.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/result.h"
#include "model/column.h"
#include "model/type.h"
#include "postgres/types.h"

namespace freshet::postgres {

// Why a value could not be decoded.
enum class ValueFault : std::uint8_t {
  None,
  Malformed,     // 22P03: not a value of its type
  NotANumber,    // 22003: NaN in a decimal
  Infinite,      // 22003: an infinite decimal or interval
  OutOfRange,    // 22003: more digits than the decimal has, a time beyond the engine's
  Dimensions,    // 0A000: an array of more than one dimension
  LowerBound,    // 0A000: an array that does not start at 1
  NoBinaryForm,  // 0A000: a binary value of a type we know as text only
  Encoding,      // 22021: text that is no UTF-8; only a database in SQL_ASCII sends it
};

// Decodes the values of one column that arrive in one format. Cheap to copy.
class ValueDecoder {
 public:
  using Function = ValueFault (*)(Column&, std::uint32_t type_oid, Bytes, Arena&);

  ValueDecoder() = default;
  ValueDecoder(Function function, std::uint32_t type_oid, Type type, Format format)
      : function_(function), type_oid_(type_oid), type_(type), format_(format) {}

  // Appends one value; after anything but None the column is as it was before. Strings point into
  // `value` where they can, else into `arena`.
  ValueFault append(Column& column, Bytes value, Arena& arena) const {
    return function_(column, type_oid_, value, arena);
  }

  // What went wrong with `value`, for people.
  Error error(ValueFault fault, Bytes value) const;

 private:
  Function function_ = nullptr;
  std::uint32_t type_oid_ = 0;
  Type type_;
  Format format_ = Format::Text;
};

// The decoder of a column whose type is type_for(type_oid, typmod).
ValueDecoder value_decoder(std::uint32_t type_oid, std::int32_t typmod, Format format);

// PostgreSQL's name of a type we know ("timestamptz", "int8[]"), else "oid 12345".
std::string type_name(std::uint32_t type_oid);

}  // namespace freshet::postgres
