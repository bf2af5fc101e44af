// Why a value of PostgreSQL's could not be read. One byte, because values come by the million.
#pragma once

#include <cstdint>

namespace freshet {

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

}  // namespace freshet
