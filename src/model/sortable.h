// Values whose texts do not sort as they do, in bytes that sort: what queries see in their place.
//
//   Inet, Cidr  network.h
//   Lsn, Xid8   the number in 8 bytes, the highest first
//   Money       the same with its sign flipped, and the text as the source printed it
//   Enum        the place of the label in 4 bytes, the highest first, and the label
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "model/type.h"

namespace freshet {

// Appends the form of a text; false, and nothing appended, when it is none of its type. Of an enum
// it takes append_label.
bool append_sortable(std::string& form, Shown shown, std::string_view text);
void append_label(std::string& form, std::uint32_t place, std::string_view label);

std::string sortable_text(Shown shown, std::string_view form);
// The number of an Lsn or Xid8, and of Money in its smallest unit.
std::int64_t sortable_number(Shown shown, std::string_view form);

}  // namespace freshet
