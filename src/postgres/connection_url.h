// Connection strings: a URI or key=value pairs, as libpq reads them. What is malformed is refused
// before libpq sees it, because libpq's messages about it quote pieces of the password.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace freshet::postgres {

struct UrlOption {
  std::string keyword;
  std::string value;
};

// The options that `url` sets itself, in libpq's order.
Result<std::vector<UrlOption>> parse_url(const std::string& url);

// The value of one of them, or "".
std::string option_value(const std::vector<UrlOption>& options, std::string_view keyword);

// Whether a keyword's value is for nobody's eyes.
bool is_secret(std::string_view keyword);

}  // namespace freshet::postgres
