// What the engine costs on the two hot paths: taking rows in, and starting a query.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/appender.h"
#include "engine/scratch_database.h"
#include "engine/statement.h"

namespace freshet::engine {
namespace {

// A table of ten columns, and a batch of rows for it.
struct TenColumns {
  std::vector<Type> types = {{TypeKind::Int64},
                             {TypeKind::Int64},
                             {.kind = TypeKind::Decimal, .precision = 12, .scale = 2},
                             {TypeKind::Text},
                             {TypeKind::Text},
                             {TypeKind::Text},
                             {TypeKind::Text},
                             {TypeKind::Timestamp},
                             {TypeKind::Int32},
                             {TypeKind::Int32}};
  std::vector<std::string> texts;
  std::vector<Column> columns;

  explicit TenColumns(std::size_t rows) {
    for (const Type& type : types) columns.emplace_back(type);
    texts.reserve(rows);
    for (std::size_t row = 0; row < rows; ++row) {
      const auto id = static_cast<std::int64_t>(row);
      texts.push_back(std::string("0123456789abcdef01234567") + std::to_string(10000000 + row));
      columns[0].append(id);
      columns[1].append(id % 1000);
      columns[2].append(id * 7);
      columns[3].append_string("new");
      columns[4].append_string("EUR");
      columns[5].append_string(texts.back());
      columns[6].append_string(texts.back());
      columns[7].append(id * 1000000);
      columns[8].append(static_cast<std::int32_t>(row));
      columns[9].append(static_cast<std::int32_t>(row % 7));
    }
  }
  std::string definition() const {
    std::string sql;
    for (std::size_t i = 0; i < types.size(); ++i) {
      sql += (i == 0 ? "c" : ", c") + std::to_string(i) + " " + sql_name(types[i]);
    }
    return "(" + sql + ")";
  }
};

void append_and_commit(benchmark::State& state) {
  ScratchDatabase scratch;
  const auto rows = static_cast<std::size_t>(state.range(0));
  const TenColumns batch(rows);
  scratch.run("CREATE TABLE t" + batch.definition());
  Appender appender =
      ScratchDatabase::must(Appender::open(scratch.connection(), "main", "t", batch.types));
  std::size_t appended = 0;
  for (auto _ : state) {
    ScratchDatabase::must(scratch.connection().begin());
    ScratchDatabase::must(appender.append(batch.columns, 0, rows));
    ScratchDatabase::must(appender.flush());
    ScratchDatabase::must(scratch.connection().commit());
    appended += rows;
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(appended));
}
BENCHMARK(append_and_commit)->Arg(1)->Arg(100)->Arg(1000)->Arg(10000)->Arg(100000)->UseRealTime();

// Filling and copying only: what the appender itself adds to the engine's own work.
void append_only(benchmark::State& state) {
  ScratchDatabase scratch;
  const auto rows = static_cast<std::size_t>(state.range(0));
  const TenColumns batch(rows);
  scratch.run("CREATE TABLE t" + batch.definition());
  std::size_t appended = 0;
  for (auto _ : state) {
    Appender appender =
        ScratchDatabase::must(Appender::open(scratch.connection(), "main", "t", batch.types));
    ScratchDatabase::must(appender.append(batch.columns, 0, rows));
    appended += rows;
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(appended));
}
BENCHMARK(append_only)->Arg(100000)->UseRealTime();

void begin_and_commit(benchmark::State& state) {
  ScratchDatabase scratch;
  for (auto _ : state) {
    ScratchDatabase::must(scratch.connection().begin());
    ScratchDatabase::must(scratch.connection().commit());
  }
}
BENCHMARK(begin_and_commit);

void begin_and_rollback(benchmark::State& state) {
  ScratchDatabase scratch;
  for (auto _ : state) {
    ScratchDatabase::must(scratch.connection().begin());
    scratch.connection().rollback();
  }
}
BENCHMARK(begin_and_rollback);

// The snapshot by a query instead, for comparison with begin().
void begin_by_a_query(benchmark::State& state) {
  ScratchDatabase scratch;
  for (auto _ : state) {
    ScratchDatabase::must(scratch.connection().execute("BEGIN"));
    ScratchDatabase::must(scratch.connection().execute("FROM _engine.anchor"));
    ScratchDatabase::must(scratch.connection().execute("COMMIT"));
  }
}
BENCHMARK(begin_by_a_query);

void read_one_row_by_key(benchmark::State& state) {
  ScratchDatabase scratch;
  scratch.run("CREATE TABLE t AS SELECT range AS id, range * 2 AS balance FROM range(100000)");
  const auto statement =
      ScratchDatabase::must(scratch.connection().prepare("SELECT balance FROM t WHERE id = $1"));
  std::int64_t key = 0;
  for (auto _ : state) {
    ScratchDatabase::must(statement->bind_int64(0, key++ % 100000));
    const auto rows = ScratchDatabase::must(statement->execute());
    benchmark::DoNotOptimize(ScratchDatabase::must(rows->next()));
  }
}
BENCHMARK(read_one_row_by_key)->UseRealTime();

void fetch_rows(benchmark::State& state) {
  ScratchDatabase scratch;
  scratch.run("CREATE TABLE t AS SELECT range AS id, 'name ' || range AS name FROM range(1000000)");
  const auto statement = ScratchDatabase::must(scratch.connection().prepare("FROM t"));
  for (auto _ : state) {
    const auto rows = ScratchDatabase::must(statement->execute());
    while (ScratchDatabase::must(rows->next()) != nullptr) {
    }
  }
  state.SetItemsProcessed(state.iterations() * 1000000);
}
BENCHMARK(fetch_rows)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace freshet::engine
