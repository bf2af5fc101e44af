// Inside postgres/values*.cc only: the functions behind a ValueDecoder, one set per format.
#pragma once

#include <cstdint>

#include "postgres/values.h"

namespace freshet::postgres {

// The function for values of a type that has a binary form, but arrays.
ValueDecoder::Function binary_function(std::uint32_t type_oid, Type type);
// The function for the text of any type, but arrays.
ValueDecoder::Function text_function(std::uint32_t type_oid, Type type);

ValueFault append_binary_array(Column& column, std::uint32_t type_oid, Bytes value, Arena& arena);
ValueFault append_text_array(Column& column, std::uint32_t type_oid, Bytes value, Arena& arena);

// The text as it is, if it is UTF-8.
ValueFault append_plain_text(Column& column, std::uint32_t type_oid, Bytes value, Arena& arena);
// PostgreSQL's one-byte "char": a zero byte is the empty text, a byte beyond ASCII is \ooo.
ValueFault append_char_byte(Column& column, std::byte value, Arena& arena);

}  // namespace freshet::postgres
