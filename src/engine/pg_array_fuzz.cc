// Any text is a literal of an array, which becomes a list, or is refused.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "engine/pg_array.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto list = freshet::engine::list_text(text)) {
    CHECK(list->size() >= 2 && list->front() == '[' && list->back() == ']');
  }
  return 0;
}
