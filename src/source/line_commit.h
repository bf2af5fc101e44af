// The last line that test_decoding sends of a transaction: "COMMIT 693 (at 2026-11-25 …+00)".
#pragma once

#include <optional>
#include <string_view>

#include "model/position.h"

namespace freshet::source {

// When the transaction was committed, by the source's clock; nothing when the line does not say it
// as servers do: in ISO form, with the offset from UTC.
std::optional<Time> commit_time_of(std::string_view line);

}  // namespace freshet::source
