// Values as PostgreSQL 15 writes them, in text and in binary.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "pgwire/time_zone.h"
#include "query/session.h"

namespace freshet::pgwire {

// Appends the text of a value that is not null.
void append_text(std::string& out, const engine::LogicalType& type,
                 const engine::VectorView& vector, std::size_t row, const TimeZone& zone);

// Appends the binary form of a value that is not null, for the type's oid (query/types.h).
void append_binary(std::string& out, const engine::LogicalType& type,
                   const engine::VectorView& vector, std::size_t row, const TimeZone& zone);

// The parts, which tests look at one by one.
__extension__ using Int128 = __int128;
__extension__ using UInt128 = unsigned __int128;

void append_integer(std::string& out, Int128 value);
void append_decimal(std::string& out, Int128 unscaled, int scale);
void append_float(std::string& out, double value);
void append_float(std::string& out, float value);
void append_timestamptz(std::string& out, std::int64_t micros, const TimeZone& zone);
void append_hex(std::string& out, std::string_view bytes);  // \x and digits
void append_uuid(std::string& out, const void* stored);
// An element as it stands between the braces of an array.
void append_array_element(std::string& out, std::string_view text);

// Reads a value of the vector: any integer, or the unscaled digits of a decimal.
Int128 integer_at(const engine::LogicalType& type, const engine::VectorView& vector,
                  std::size_t row);
// Binary numeric from its decimal text; "NaN" and the infinities too.
void append_binary_numeric(std::string& out, std::string_view text);

}  // namespace freshet::pgwire
