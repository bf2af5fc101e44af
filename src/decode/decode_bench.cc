// How fast one core turns pgoutput messages into columns. The rows are ten mixed columns in binary,
// as the benchmark tables of the project have them.
#include <benchmark/benchmark.h>

#include <memory>

#include "decode/pgoutput.h"
#include "decode/scripted_part.h"
#include "postgres/types.h"

namespace freshet::decode {
namespace {

namespace oid = postgres::oid;
using scripted::number;
using scripted::ScriptedPart;
using scripted::text;

constexpr int rows_per_part = 1000;

ColumnSchema column(std::string name, std::uint32_t pg_type, std::int32_t typmod = -1) {
  return {.name = std::move(name),
          .type = postgres::type_for(pg_type, typmod),
          .pg_type = pg_type,
          .pg_typmod = typmod};
}

TableSchema wide(TableId id) {
  constexpr std::int32_t decimal_12_2 = ((12 << 16) | 2) + 4;
  TableSchema schema{id,
                     "public",
                     "wide",
                     Identity::Key,
                     {column("id", oid::int8), column("account", oid::int8),
                      column("amount", oid::numeric, decimal_12_2), column("status", oid::text),
                      column("country", oid::varchar), column("email", oid::text),
                      column("note", oid::text), column("placed", oid::timestamptz),
                      column("items", oid::int4), column("weight", oid::float8)}};
  schema.columns[0].in_key = true;
  return schema;
}

scripted::Tuple binary_row(std::int64_t id) {
  scripted::Sent amount{'b', std::string("\0\3\0\1\0\0\0\2\0\1\x09\x29\x15\xe0", 14)};
  const std::string unique = std::to_string(id * 7919);
  return {number(id),
          number(id % 1000),
          amount,
          scripted::binary("shipped"),
          scripted::binary("NL"),
          scripted::binary("someone." + unique + "@example.org"),
          scripted::binary("note number " + unique),
          number(std::int64_t{780'000'000'000'000} + id),
          number(static_cast<std::int32_t>(id % 17)),
          number(id * 3)};
}

scripted::Tuple text_row(std::int64_t id) {
  const std::string unique = std::to_string(id * 7919);
  return {text(std::to_string(id)),
          text(std::to_string(id % 1000)),
          text("12345.56"),
          text("shipped"),
          text("NL"),
          text("someone." + unique + "@example.org"),
          text("note number " + unique),
          text("2024-09-18 18:40:00.123456+00"),
          text(std::to_string(id % 17)),
          text("1234.5678")};
}

using MakeRow = scripted::Tuple (*)(std::int64_t);

void decode_all(benchmark::State& state, const ScriptedPart& script,
                std::initializer_list<TableId> tables) {
  PgoutputDecoder decoder;
  ChangeSet set;
  for (const TableId id : tables) {
    set.tables[id] = std::make_unique<TableChanges>(std::make_shared<TableSchema>(wide(id)));
  }
  for (auto _ : state) {
    set.clear();
    const auto result = decoder.decode(script.part(), set);
    if (!result.ok() || set.change_count != rows_per_part || !set.stopped.empty()) {
      state.SkipWithError("the rows were not decoded");
    }
  }
  state.SetItemsProcessed(state.iterations() * rows_per_part);
  state.SetBytesProcessed(state.iterations() *
                          static_cast<std::int64_t>(script.part().messages.size()));
}

template <MakeRow make_row>
void inserts(benchmark::State& state) {
  ScriptedPart script;
  script.begin();
  for (int i = 0; i < rows_per_part; ++i) script.insert(TableId{1}, make_row(i));
  script.commit();
  decode_all(state, script, {TableId{1}});
}
BENCHMARK(inserts<binary_row>)->Name("inserts/binary");
BENCHMARK(inserts<text_row>)->Name("inserts/text");

void key_updates(benchmark::State& state) {
  ScriptedPart script;
  script.begin();
  for (int i = 0; i < rows_per_part; ++i) {
    scripted::Tuple key(10);
    key[0] = number(std::int64_t{i});
    script.update(TableId{1}, 'K', key, binary_row(i));
  }
  script.commit();
  decode_all(state, script, {TableId{1}});
}
BENCHMARK(key_updates)->Name("updates of keys/binary");

// No two messages in a row are of one table, as in TPC-B.
void many_tables(benchmark::State& state) {
  ScriptedPart script;
  script.begin();
  for (int i = 0; i < rows_per_part; ++i) {
    script.insert(TableId{1 + static_cast<std::uint32_t>(i % 4)}, binary_row(i));
  }
  script.commit();
  decode_all(state, script, {TableId{1}, TableId{2}, TableId{3}, TableId{4}});
}
BENCHMARK(many_tables)->Name("inserts into four tables in turn/binary");

}  // namespace
}  // namespace freshet::decode
