// The reading end of a stream: whole, durable transactions in order, from file to file. What the
// threads of a stream share is here too.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "base/guarded.h"
#include "stream/stream.h"

namespace freshet::stream {

// What readers may see. Grows at the end by sync, shrinks at the beginning by retire.
struct Published {
  End durable;
  std::vector<Offset> files;  // the first offset of each, ascending; never empty
};

struct Shared {
  std::filesystem::path folder;
  StreamOptions options;
  Guarded<Published> published;
};

std::unique_ptr<Reader> make_reader(std::shared_ptr<Shared> shared, Offset from);

Error retired_error(Offset offset, Offset begin);

}  // namespace freshet::stream
