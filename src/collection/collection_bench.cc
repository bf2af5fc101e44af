// How fast a collection takes changes, and what its dead rows cost a scan. Made of the table that
// the figures speak of: ten columns, a bigint key, 5 M rows (or FRESHET_BENCH_ROWS).
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdlib>
#include <random>

#include "collection/scratch_store.h"
#include "collection/store.h"

namespace freshet::collection {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::int64_t row_count() {
  const char* rows = std::getenv("FRESHET_BENCH_ROWS");
  return rows == nullptr ? 5'000'000 : std::atoll(rows);
}

std::shared_ptr<const TableSchema> wide_schema(std::uint32_t id, const std::string& name) {
  return make_schema(
      id, name,
      {{.name = "id", .type = int64_type, .in_key = true},
       {.name = "account", .type = int64_type},
       {.name = "amount", .type = {.kind = TypeKind::Decimal, .precision = 12, .scale = 2}},
       {.name = "status", .type = text_type},
       {.name = "country", .type = text_type},
       {.name = "reference", .type = text_type},
       {.name = "comment", .type = text_type},
       {.name = "placed", .type = {.kind = TypeKind::Timestamp}},
       {.name = "quantity", .type = {.kind = TypeKind::Int32}},
       {.name = "weight", .type = {.kind = TypeKind::Float64}}});
}

void append_row(std::vector<Column>& columns, Arena& arena, std::int64_t id, std::uint64_t seed) {
  static constexpr std::string_view statuses[] = {"new", "paid", "sent", "done", "returned"};
  static constexpr std::string_view countries[] = {"DE", "FR", "US", "JP"};
  columns[0].append(id);
  columns[1].append(static_cast<std::int64_t>(seed % 100'000));
  columns[2].append(static_cast<std::int64_t>(seed % 1'000'000));
  columns[3].append_string(statuses[seed % 5]);
  columns[4].append_string(countries[seed % 4]);
  columns[5].append_string(arena.keep("reference-" + std::to_string(seed)));
  columns[6].append_string(arena.keep("a comment about order " + std::to_string(id)));
  columns[7].append(static_cast<std::int64_t>(1'700'000'000'000'000 + id * 1'000));
  columns[8].append(static_cast<std::int32_t>(seed % 20));
  columns[9].append(static_cast<double>(seed % 1'000) / 7);
}

// One store for all benchmarks: a copied table and four small ones.
struct World {
  World() {
    schemas = {wide_schema(1, "orders")};
    for (std::uint32_t id = 2; id < 6; ++id)
      schemas.push_back(simple_schema(id, "s" + std::to_string(id)));
    store = std::make_unique<ScratchStore>();
    const auto start = Clock::now();
    copy_orders();
    copy_seconds = seconds_since(start);
    std::vector<TableRecord> small;
    for (std::size_t i = 1; i < 5; ++i) small.push_back(live_record(store->source, schemas[i]));
    must(store->writer->put_tables(small));
    store->schemas = schemas;
  }

  void copy_orders() {
    auto copy = must(store->store->copy(store->source, schemas[0]));
    const auto loader = must(copy->loader());
    std::vector<Column> columns;
    for (const ColumnSchema& column : schemas[0]->columns) columns.emplace_back(column.type);
    Arena arena;
    for (std::int64_t id = 0; id < row_count(); ++id) {
      append_row(columns, arena, id, static_cast<std::uint64_t>(id) * 0x9e3779b97f4a7c15ULL >> 20);
      if (columns[0].size() < 16'384 && id + 1 < row_count()) continue;
      must(loader->append(columns));
      for (Column& column : columns) column.clear();
      arena.reset();
    }
    must(loader->finish());
    std::vector<std::unique_ptr<Copy>> copies;
    copies.push_back(std::move(copy));
    must(store->writer->attach(std::move(copies), TableState::Live, Lsn{1}, Offset{}));
    must(store->store->database().checkpoint());
  }

  void update(ChangeSet& changes, std::int64_t rows) {
    changes.clear();
    TableChanges& orders = *changes.tables.at(TableId{1});
    for (std::int64_t i = 0; i < rows; ++i) {
      const auto id = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(row_count()));
      append_row(orders.rows, changes.arena, id, random());
      orders.changes.push_back({.op = Op::Update, .row = static_cast<std::uint32_t>(i)});
    }
    changes.applied.lsn.value = ++store->lsn;
  }

  std::vector<std::shared_ptr<const TableSchema>> schemas;
  std::unique_ptr<ScratchStore> store;
  std::mt19937_64 random{1};
  double copy_seconds = 0;
};

// Closed by main: after it the engine's own globals may be gone.
std::unique_ptr<World>& shared_world() {
  static std::unique_ptr<World> made;
  return made;
}

World& world() {
  std::unique_ptr<World>& made = shared_world();
  if (!made) made = std::make_unique<World>();
  return *made;
}

// Random updates by key; making the changes is not counted, applying and committing them is.
void apply_updates(benchmark::State& state) {
  World& w = world();
  Batch batch(w.schemas);
  std::int64_t rows = 0;
  for (auto _ : state) {
    w.update(batch.changes, state.range(0));
    const auto start = Clock::now();
    must(w.store->writer->apply(batch.changes, false));
    state.SetIterationTime(seconds_since(start));
    rows += state.range(0);
  }
  state.SetItemsProcessed(rows);
}

// One row in each of four tables, as pgbench does.
void small_commit(benchmark::State& state) {
  World& w = world();
  Batch batch(w.schemas);
  for (auto _ : state) {
    batch.changes.clear();
    for (std::uint32_t table = 2; table < 6; ++table) {
      const auto id = static_cast<std::int64_t>(w.random() % 10'000);
      table == 5 ? batch.insert(5, {static_cast<std::int64_t>(w.random() >> 1), 1, "history"})
                 : batch.insert(table, {id, 1, "x"});
    }
    batch.at(++w.store->lsn);
    must(w.store->writer->apply(batch.changes, false));
  }
  must(w.store->writer->tidy());
}

constexpr const char* group_by =
    "SELECT status, country, count(*), sum(amount), avg(weight) FROM {} GROUP BY ALL";

void run_query(benchmark::State& state, const std::string& table) {
  World& w = world();
  const auto reader = must(w.store->store->reader());
  must(reader->begin());
  std::string sql = group_by;
  sql.replace(sql.find("{}"), 2, table);
  for (auto _ : state) must(reader->connection().query(sql));
}

// After random updates of a tenth of the rows.
void scan_collection(benchmark::State& state) {
  World& w = world();
  static const bool updated = [&] {
    Batch batch(w.schemas);
    for (int i = 0; i < 10; ++i) {
      w.update(batch.changes, row_count() / 100);
      must(w.store->writer->apply(batch.changes, false));
    }
    must(w.store->store->database().checkpoint());
    return true;
  }();
  benchmark::DoNotOptimize(updated);
  run_query(state, "store.public.orders");
  const TableNumbers numbers = w.store->store->numbers().at(0);
  const auto live = static_cast<double>(numbers.live_rows);
  state.counters["dead_rows"] = static_cast<double>(numbers.dead_rows);
  state.counters["index_bytes_per_row"] = static_cast<double>(numbers.index_bytes) / live;
  state.counters["bitset_bytes_per_row"] = static_cast<double>(numbers.bitset_bytes) / live;
}

// The engine's own table with the same rows.
void scan_native(benchmark::State& state) {
  World& w = world();
  static const bool made = [&] {
    const auto reader = must(w.store->store->reader());
    must(reader->begin());
    must(reader->connection().execute(
        "CREATE TABLE store.main.native AS SELECT * FROM store.public.orders"));
    must(reader->connection().commit());
    reader->end();
    must(w.store->store->database().checkpoint());
    return true;
  }();
  benchmark::DoNotOptimize(made);
  run_query(state, "store.main.native");
}

// Reading everything back, with the key index built at the first change.
void reopen(benchmark::State& state) {
  World& w = world();
  for (auto _ : state) {
    w.store->reopen();
    Batch batch(w.schemas);
    w.update(batch.changes, 1);
    must(w.store->writer->apply(batch.changes, false));
  }
  state.counters["copy_rows_per_second"] = static_cast<double>(row_count()) / w.copy_seconds;
}

// CPU is that of all threads: what counts when the machine has other work too.
BENCHMARK(apply_updates)
    ->Arg(1'000)
    ->Arg(10'000)
    ->Arg(100'000)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond)
    ->MinTime(1);
BENCHMARK(small_commit)
    ->UseRealTime()
    ->MeasureProcessCPUTime()
    ->Unit(benchmark::kMillisecond)
    ->MinTime(1);
BENCHMARK(scan_collection)
    ->UseRealTime()
    ->MeasureProcessCPUTime()
    ->Unit(benchmark::kMillisecond)
    ->MinTime(2);
BENCHMARK(scan_native)
    ->UseRealTime()
    ->MeasureProcessCPUTime()
    ->Unit(benchmark::kMillisecond)
    ->MinTime(2);
BENCHMARK(reopen)
    ->UseRealTime()
    ->MeasureProcessCPUTime()
    ->Unit(benchmark::kMillisecond)
    ->Iterations(3);

}  // namespace
}  // namespace freshet::collection

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  freshet::collection::shared_world().reset();
  return 0;
}
