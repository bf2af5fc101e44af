// Draining a backlog from a slot, as fast as the server decodes it. items/s are row changes; CPU is
// ours alone, the server's is not counted.
#include "source/replication.h"

#include <benchmark/benchmark.h>

#include "postgres/shared_scratch_server.h"

namespace freshet::source {
namespace {

using postgres::Connection;

constexpr int changes = 500'000;

// Slots are read once each, so every run has its own, made before the changes were.
std::string new_slot(Connection& connection) {
  static int number = 0;
  std::string slot = "drain" + std::to_string(++number);
  CHECK(connection.query("SELECT pg_create_logical_replication_slot('" + slot + "', 'pgoutput')")
            .ok());
  return slot;
}

void drains(benchmark::State& state, int rows_per_transaction) {
  const auto connection = postgres::connect_to_new_database("drain");
  const std::string url = postgres::shared_scratch_server().url("drain");
  CHECK(connection
            ->query("CREATE TABLE public.t (id int PRIMARY KEY, a int, b text, c timestamptz);"
                    "CREATE PUBLICATION p FOR TABLE public.t")
            .ok());
  const std::string slot = new_slot(*connection);
  CHECK(connection
            ->query(fmt::format(
                "DO $$ BEGIN FOR i IN 0..{} LOOP INSERT INTO public.t SELECT i * {} + j, j, "
                "'some text', now() FROM generate_series(1, {}) j; COMMIT; END LOOP; END $$",
                changes / rows_per_transaction - 1, rows_per_transaction, rows_per_transaction))
            .ok());
  const Lsn end = *parse_lsn(*connection->query("SELECT pg_current_wal_lsn()")->rows.at(0).at(0));
  std::uint64_t bytes = 0;
  for ([[maybe_unused]] auto _ : state) {
    const auto replication = Replication::start(url, {.slot = slot, .publications = "p"}).value();
    for (Lsn at; at < end;) {
      const Received received = replication->next({}, std::chrono::seconds(1)).value();
      if (received.part) bytes += received.part->messages.size();
      if (received.part && received.part->last) at = received.part->end_lsn;
      if (received.idle_at) at = *received.idle_at;
    }
  }
  state.SetItemsProcessed(state.iterations() * changes);
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
  ignore(
      connection->query("SELECT pg_terminate_backend(active_pid, 5000) FROM "
                        "pg_replication_slots WHERE active"));
  CHECK(connection->query("SELECT pg_drop_replication_slot('" + slot + "')").ok());
}
void drains_single_rows(benchmark::State& state) {
  drains(state, 1);
}
void drains_hundreds(benchmark::State& state) {
  drains(state, 100);
}
void drains_one_transaction(benchmark::State& state) {
  drains(state, changes);
}
BENCHMARK(drains_single_rows)
    ->Unit(benchmark::kMillisecond)
    ->Iterations(1)
    ->MeasureProcessCPUTime();
BENCHMARK(drains_hundreds)->Unit(benchmark::kMillisecond)->Iterations(1)->MeasureProcessCPUTime();
BENCHMARK(drains_one_transaction)
    ->Unit(benchmark::kMillisecond)
    ->Iterations(1)
    ->MeasureProcessCPUTime();

}  // namespace
}  // namespace freshet::source
