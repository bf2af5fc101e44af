// Dates, times and intervals (model/type.h) as PostgreSQL prints them with DateStyle ISO and
// IntervalStyle postgres.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "model/column.h"

namespace freshet {

void append_date(std::string& out, std::int32_t days);
void append_time(std::string& out, std::int64_t micros);
// In the local time of a zone that is `offset` seconds east of UTC; without one, as it is.
void append_timestamp(std::string& out, std::int64_t micros,
                      std::optional<std::int32_t> offset = std::nullopt);
void append_timetz(std::string& out, std::int64_t micros, std::int32_t offset);
void append_interval(std::string& out, const Interval& interval);

// The number in decimal, with zeros in front of it up to this many digits.
void append_padded(std::string& out, std::int64_t value, std::size_t digits);

}  // namespace freshet
