// Text inside other text: HTML, JSON, labels of metrics.
#pragma once

#include <string>
#include <string_view>

namespace freshet::http {

// With &, <, >, " and ' as entities.
std::string html_escaped(std::string_view text);
// A JSON string with its quotes. Bytes that are no UTF-8 become U+FFFD: JSON must be readable.
std::string json_quoted(std::string_view text);
// The value of a label in the Prometheus text format, with its quotes.
std::string label_quoted(std::string_view text);

}  // namespace freshet::http
