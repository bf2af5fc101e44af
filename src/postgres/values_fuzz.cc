// Any bytes, as any type, in both formats: an answer or an error, never a read beyond the value,
// and a column that is as it was before when the answer is an error.
#include "base/check.h"
#include "postgres/type_table.h"
#include "postgres/types.h"

using namespace freshet;            // NOLINT: a program of one function
using namespace freshet::postgres;  // NOLINT

namespace {

// numeric(p,s) of every width in memory, and without a typmod.
constexpr std::int32_t typmods[] = {-1, ((4 << 16) | 2) + 4, ((9 << 16) | 9) + 4,
                                    ((18 << 16) | 6) + 4, ((38 << 16) | 37) + 4};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const KnownType& known = known_types[data[0] % known_types.size()];
  const std::uint32_t type_oid = (data[1] & 1) != 0 ? known.array_oid : known.type_oid;
  const Format format = (data[1] & 2) != 0 ? Format::Text : Format::Binary;
  const std::int32_t typmod = typmods[(data[1] >> 2) % std::size(typmods)];
  Arena arena;
  Column column(type_for(type_oid, typmod));
  const Bytes value(reinterpret_cast<const std::byte*>(data + 2), size - 2);
  const bool ok = append_value(column, type_oid, format, value, arena).ok();
  CHECK(column.size() == (ok ? 1U : 0U));
  if (column.type().kind != TypeKind::List) return 0;
  const std::size_t elements = ok ? static_cast<std::size_t>(column.get<ListRef>(0).size) : 0;
  CHECK(column.child().size() == elements);
  return 0;
}
