// A whole table through a TableReader, against the same COPY into nothing on one connection.
#include "snapshot/table_reader.h"

#include <benchmark/benchmark.h>

#include "postgres/shared_scratch_server.h"

namespace freshet::snapshot {
namespace {

using postgres::Connection;

constexpr int rows_in_table = 1'000'000;

struct World {
  std::string url = postgres::shared_scratch_server().url("copying");
  std::unique_ptr<Connection> connection = postgres::connect_to_new_database("copying");
  std::unique_ptr<Snapshot> snapshot;
  postgres::CatalogTable table;

  World() {
    CHECK(
        connection
            ->query(fmt::format(
                "CREATE TABLE public.orders AS SELECT i::bigint AS id, i % 1000::bigint AS "
                "customer, (i % 100000 / 7.0)::numeric(12,2) AS total, 'shipped'::text AS status, "
                "'DE'::text AS country, 'customer-' || i || '@example.org' AS email, 'note ' || i "
                "AS note, now() + i * interval '1 s' AS placed, i % 9 AS items, i / 3.0::float8 AS "
                "weight FROM generate_series(1, {}) i",
                rows_in_table))
            .ok());
    CHECK(connection->query("VACUUM ANALYZE public.orders").ok());
    snapshot = Snapshot::create(url, {.slot = "copying", .temporary = true}).value();
    table = postgres::read_tables(*connection, postgres::TablePatterns()).value().at(0);
  }
};
World& world() {
  static World the_world;
  return the_world;
}

void copies_to_nothing(benchmark::State& state) {
  for ([[maybe_unused]] auto _ : state) {
    std::size_t bytes = 0;
    CHECK(world()
              .connection
              ->copy_out("COPY public.orders TO STDOUT (FORMAT binary)",
                         [&](Bytes payload) -> Result<> {
                           bytes += payload.size();
                           return {};
                         },
                         {})
              .ok());
    benchmark::DoNotOptimize(bytes);
  }
  state.SetItemsProcessed(state.iterations() * rows_in_table);
}
BENCHMARK(copies_to_nothing)->Unit(benchmark::kMillisecond)->UseRealTime();

void copies_into_columns(benchmark::State& state) {
  for ([[maybe_unused]] auto _ : state) {
    CopyProgress progress;
    const auto reader = TableReader::connect(world().url, {}).value();
    CHECK(reader->open(*world().snapshot, world().table.schema.id, TableReader::Patience::Waits)
              .ok());
    const auto nothing = [](RowBatch&) -> Result<> { return {}; };
    for (const Piece& piece : reader->cut({}).value()) {
      CHECK(reader->copy(piece, nothing, progress, {}).ok());
    }
    CHECK(progress.rows == rows_in_table);
  }
  state.SetItemsProcessed(state.iterations() * rows_in_table);
}
BENCHMARK(copies_into_columns)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace freshet::snapshot
