// Parameters of Bind, in text or binary, as values the engine binds.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "pgwire/messages.h"
#include "query/session.h"

namespace freshet::pgwire {

// 22P02 or 22P03 for what is no value of the type, 22003 for a number that does not fit.
Result<query::Parameter> decode_parameter(std::uint32_t type_oid, Format format,
                                          std::string_view bytes);

// The text of a bound value, to stand in the text of an array or a range.
std::string element_text(const query::Parameter& value);

}  // namespace freshet::pgwire
