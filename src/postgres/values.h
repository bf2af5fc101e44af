// Values of PostgreSQL, decoded by a function that is chosen once per column.
//
// append_value (types.h) is the convenient form of the same thing: it chooses for every value.
// Rows by the million go through a ValueDecoder. It answers with one byte, because a Result holds
// an Error of several strings and would cost more than the value; the Error is built on failure
// only.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/result.h"
#include "model/column.h"
#include "model/type.h"
#include "model/value_fault.h"
#include "postgres/types.h"

namespace freshet::postgres {

using freshet::ValueFault;

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

// The decoder of values of a PostgreSQL type for a column that holds them as `type`.
ValueDecoder value_decoder(std::uint32_t type_oid, Type type, Format format);

// What holds the value of which `type` said that it does not fit: numeric for decimal, and the
// exact text for anything else. Nothing when no type would.
std::optional<Type> wider(Type type, ValueFault fault);

// PostgreSQL's name of a type we know ("timestamptz", "int8[]"), else "oid 12345".
std::string type_name(std::uint32_t type_oid);

}  // namespace freshet::postgres
