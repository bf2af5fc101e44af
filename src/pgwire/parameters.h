// Parameters of Bind, in text or binary, as values the engine binds.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "pgwire/messages.h"
#include "query/session.h"

namespace freshet::pgwire {

// 22P02 or 22P03 for what is no value of the type, 22003 for a number that does not fit.
Result<query::Parameter> decode_parameter(std::uint32_t type_oid, Format format,
                                          std::string_view bytes);

}  // namespace freshet::pgwire
