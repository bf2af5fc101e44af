// Dates, times and intervals: PostgreSQL's range and ISO texts to ours (model/type.h).
//
// Both count from 1970 here and from 2000 on the wire. A timestamp after 294247-01-10 exists in
// PostgreSQL but not in 64 bits of microseconds since 1970: out of range, never clamped.
#pragma once

#include <cstdint>
#include <string_view>

#include "model/column.h"
#include "model/value_fault.h"

namespace freshet {

template <typename T>
struct Parsed {
  ValueFault fault = ValueFault::None;
  T value{};
};

// From the binary forms: days and microseconds since 2000-01-01.
Parsed<std::int32_t> date_from_binary(std::int32_t days);
Parsed<std::int64_t> timestamp_from_binary(std::int64_t micros);
Parsed<std::int64_t> time_from_binary(std::int64_t micros);

// From the texts of DateStyle ISO: "2024-02-29", "0044-03-15 BC", "infinity", "24:00:00",
// "2024-02-29 12:00:00.5+05:30".
Parsed<std::int32_t> date_from_text(std::string_view text);
Parsed<std::int64_t> time_from_text(std::string_view text);
Parsed<std::int64_t> timestamp_from_text(std::string_view text, bool with_zone);

// From IntervalStyle postgres ("1 year -2 days +03:04:05.6") and iso_8601 ("P1Y-2DT3H4M5.6S").
Parsed<Interval> interval_from_text(std::string_view text);

}  // namespace freshet
