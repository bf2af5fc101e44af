// Texts of composites, ranges and addresses, as a source may send them: never a crash, and what is
// understood comes back as itself.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "model/network.h"
#include "model/parts_text.h"
#include "model/sortable.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace freshet;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto record = parse_record(text)) {
    std::string again = "(";
    for (std::size_t i = 0; i < record->size(); ++i) {
      if (i > 0) again.push_back(',');
      if (record->at(i)) append_part(again, *record->at(i), PartOf::Record);
    }
    CHECK(parse_record(again + ")") == record);
  }
  if (const auto range = parse_range(text)) {
    std::string once, twice;
    append_range(once, *range);
    append_range(twice, parse_range(once).value());
    CHECK(once == twice);
  }
  static_cast<void>(parse_multirange(text));
  if (const auto network = parse_network(text)) {
    std::string form;
    append_network(form, *network);
    CHECK(network_of(form) == network);
  }
  for (const Shown shown : {Shown::Inet, Shown::Cidr, Shown::Lsn, Shown::Xid8, Shown::Money}) {
    std::string form;
    if (append_sortable(form, shown, text)) static_cast<void>(sortable_text(shown, form));
    static_cast<void>(sortable_text(shown, text));  // a form that nobody made
  }
  return 0;
}
