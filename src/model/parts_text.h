// Texts that are made of parts: composites, ranges and multiranges, as PostgreSQL prints them.
//
//   (1,"a b",,"")               a record of 1, "a b", null and the empty text
//   [1,5)  (,"2024-01-01 …"]    a range; a bound that is not there is infinite
//   {[1,3),[5,9)}               a multirange
//
// https://www.postgresql.org/docs/current/rowtypes.html#ROWTYPES-IO-SYNTAX
// https://www.postgresql.org/docs/current/rangetypes.html#RANGETYPES-IO
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace freshet {

using Parts = std::vector<std::optional<std::string>>;

// Nothing when it is no record.
std::optional<Parts> parse_record(std::string_view text);

struct RangeText {
  bool empty = false;
  bool lower_inc = false;  // the bound belongs to the range
  bool upper_inc = false;
  std::optional<std::string> lower{};
  std::optional<std::string> upper{};
};
std::optional<RangeText> parse_range(std::string_view text);
std::optional<std::vector<RangeText>> parse_multirange(std::string_view text);

// Appends a part, in quotes where it needs them.
enum class PartOf { Record, Range };
void append_part(std::string& out, std::string_view part, PartOf whole);
void append_range(std::string& out, const RangeText& range);

}  // namespace freshet
