#include "stream/retention.h"

namespace freshet::stream {

std::size_t removable(const std::vector<StreamFile>& files, Offset end, Offset needed,
                      const Retention& retention) {
  std::size_t count = 0;
  while (count + 1 < files.size()) {
    const StreamFile& oldest = files[count];
    if (files[count + 1].begin > needed) break;
    const bool too_old = oldest.age >= retention.age_max;
    const bool too_much = end.value - oldest.begin.value > retention.bytes_max;
    if (!too_old && !too_much) break;
    ++count;
  }
  return count;
}

}  // namespace freshet::stream
