// Parameters in the binary forms of types that are bound as their texts: addresses, positions,
// times with a zone, ranges.
//
// Forms: the types' send functions in PostgreSQL's src/backend/utils/adt.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace freshet::pgwire {

// The text that PostgreSQL would print for the value. Nothing for types that are not of these;
// 22P03 for what is no value of its type, 0A000 for money, whose text is the source's affair.
Result<std::optional<std::string>> text_of_binary(std::uint32_t type_oid, ByteReader& reader);

}  // namespace freshet::pgwire
