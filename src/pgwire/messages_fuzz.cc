// Any bytes at all: the parser of client messages gives a message or 08P01, and never reads past
// its input.
#include <cstddef>
#include <cstdint>

#include "pgwire/messages.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace freshet;
  const Bytes input(reinterpret_cast<const std::byte*>(data), size);
  ignore(pgwire::parse_first(input));
  if (size > 0) ignore(pgwire::parse_message(static_cast<char>(data[0]), input.subspan(1)));
  return 0;
}
