// Whether bytes are text as everything behind this module takes it for granted.
#pragma once

#include "base/bytes.h"

namespace freshet::postgres {

// True for well-formed UTF-8, the empty text included. A server sends nothing else, except from a
// database whose encoding is SQL_ASCII.
bool is_utf8(Bytes text);

}  // namespace freshet::postgres
