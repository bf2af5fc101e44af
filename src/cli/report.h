// How an Error looks to a person on the terminal.
#pragma once

#include "base/result.h"

namespace freshet::cli {

// "freshet: message", then detail and hint on lines of their own, to stderr.
void report(const Error& error);

}  // namespace freshet::cli
