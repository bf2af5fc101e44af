// How many rows per second one core takes apart and decodes: ten columns of the usual kinds.
#include "snapshot/copy_rows.h"

#include <benchmark/benchmark.h>

#include "postgres/types.h"

namespace freshet::snapshot {
namespace {

namespace oid = postgres::oid;

struct Field {
  std::uint32_t type;
  std::int32_t typmod;
  std::string value;
};

template <typename T>
std::string big(T value) {
  std::string bytes;
  ByteWriter(bytes).big(value);
  return bytes;
}

std::vector<Field> fields() {
  // 12345.67: two digits before the point in base 10,000, one after.
  const std::string amount = big<std::int16_t>(3) + big<std::int16_t>(1) + big<std::int16_t>(0) +
                             big<std::int16_t>(2) + big<std::int16_t>(1) + big<std::int16_t>(2345) +
                             big<std::int16_t>(6700);
  return {{oid::int8, -1, big<std::int64_t>(123456)},
          {oid::int8, -1, big<std::int64_t>(77)},
          {oid::numeric, ((12 << 16) | 2) + 4, amount},
          {oid::text, -1, "shipped"},
          {oid::text, -1, "DE"},
          {oid::text, -1, "customer-00001234@example.org"},
          {oid::varchar, -1, "a note about an order"},
          {oid::timestamptz, -1, big<std::int64_t>(700'000'000'000'000)},
          {oid::int4, -1, big<std::int32_t>(3)},
          {oid::float8, -1, big<std::uint64_t>(0x3ff8000000000000U)}};
}

void decodes_rows(benchmark::State& state) {
  TableSchema schema;
  std::string row = big<std::int16_t>(10);
  for (const Field& field : fields()) {
    schema.columns.push_back({.name = "c",
                              .type = postgres::type_for(field.type, field.typmod),
                              .pg_type = field.type,
                              .pg_typmod = field.typmod});
    row += big(static_cast<std::int32_t>(field.value.size())) + field.value;
  }
  CopyRows rows(schema, [](RowBatch&) -> Result<> { return {}; }, {});
  const std::string header = std::string("PGCOPY\n\377\r\n\0", 11) + std::string(8, '\0');
  if (!rows.take(as_bytes(header)).ok()) return state.SkipWithError("header");
  for ([[maybe_unused]] auto _ : state) {
    if (!rows.take(as_bytes(row)).ok()) return state.SkipWithError("row");
  }
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(row.size()));
}
BENCHMARK(decodes_rows);

}  // namespace
}  // namespace freshet::snapshot
