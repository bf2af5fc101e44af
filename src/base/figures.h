// Numbers as people read them: three digits that matter, and a unit.
#pragma once

#include <string>

namespace freshet {

std::string short_number(double number);  // "850", "12.3 k", "1.2 M"
std::string short_time(double seconds);   // "850 ms", "12 s", "4 min", "3 h", "2 days"
std::string short_bytes(double bytes);  // "512 B", "64 MB", "1.2 GB": powers of 1024, as PostgreSQL

}  // namespace freshet
