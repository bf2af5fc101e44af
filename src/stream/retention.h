// Which files of a stream may go.
//
// A file may go when every transaction in it ends at or below the oldest position that somebody
// still needs: the applied position, a paused table's, or the start of a copy that is not caught
// up. What nobody needs can be kept for a while; what somebody needs is never removed, however old
// and however much.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "model/position.h"

namespace freshet::stream {

// How long what nobody needs any more is kept. As soon as one of them is passed it goes.
struct Retention {
  std::chrono::seconds age_max{0};  // since the last transaction was written to the file
  std::uint64_t bytes_max = std::numeric_limits<std::uint64_t>::max();  // of the whole stream
};

struct StreamFile {
  Offset begin;
  std::chrono::seconds age{0};
};

// How many of `files`, from the oldest on, may go. `end`: of the stream. The newest always stays.
std::size_t removable(const std::vector<StreamFile>& files, Offset end, Offset needed,
                      const Retention& retention);

}  // namespace freshet::stream
