// Any text: it is refused, or becomes a form whose text becomes the same form again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "model/exact_numeric.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string form;
  if (!freshet::append_exact(form, text)) return 0;
  std::string again;
  if (!freshet::append_exact(again, freshet::exact_text(form)) || again != form) std::abort();
  if (const auto number = freshet::to_exact(form)) {
    std::string computed;
    freshet::append_exact(computed, *number);
    if (computed != form) std::abort();
  }
  return 0;
}
