// How an Error looks to a person on the terminal.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace freshet::cli {

// "freshet: message", then detail and hint on lines of their own, to stderr.
void report(const Error& error);

// "1203331" → "1.2 M": three digits that matter.
std::string short_number(double number);
// "850 ms", "12 s", "4 min", "3 h".
std::string short_time(double seconds);

}  // namespace freshet::cli
