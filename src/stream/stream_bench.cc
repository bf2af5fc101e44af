// What the stream costs: per transaction appended, per sync, and per byte read back.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "stream/stream.h"

namespace freshet::stream {
namespace {

namespace fs = std::filesystem;

struct Scratch {
  Scratch() {
    std::string pattern = (fs::temp_directory_path() / "freshet_bench_XXXXXX").string();
    folder = mkdtemp(pattern.data());
  }
  ~Scratch() { fs::remove_all(folder); }
  fs::path folder;
};

TransactionPart transaction(std::uint64_t number, const std::string& messages) {
  return {
      .commit_lsn = {number * 100}, .end_lsn = {number * 100 + 50}, .messages = as_bytes(messages)};
}

void must(const Result<>& result) {
  CHECK(result.ok());
}

// Appending alone: the time of the thread that reads the socket. Writing out is part of it, syncing
// (twice per file) is too.
void append(benchmark::State& state) {
  const Scratch scratch;
  auto stream = std::move(*Stream::open(scratch.folder, {}));
  const std::string messages(static_cast<std::size_t>(state.range(0)), 'm');
  std::uint64_t number = 0;
  for (auto _ : state) {
    must(stream->append(transaction(++number, messages)));
    if (number % 65'536 == 0) {
      state.PauseTiming();
      must(stream->sync());
      must(stream->retire(stream->durable().offset));
      state.ResumeTiming();
    }
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(append)->Arg(200)->Arg(10'000);

// One sync behind a group of transactions of 200 bytes: what a commit waits for.
void append_group_and_sync(benchmark::State& state) {
  const Scratch scratch;
  auto stream = std::move(*Stream::open(scratch.folder, {}));
  const std::string messages(200, 'm');
  std::uint64_t number = 0;
  for (auto _ : state) {
    for (std::int64_t i = 0; i < state.range(0); ++i) {
      must(stream->append(transaction(++number, messages)));
    }
    must(stream->sync());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(append_group_and_sync)->Arg(1)->Arg(100)->Arg(10'000)->UseRealTime();

// Reading 256 MiB of transactions from the page cache, checksums included.
void read(benchmark::State& state) {
  const Scratch scratch;
  auto stream = std::move(*Stream::open(scratch.folder, {}));
  const std::string messages(static_cast<std::size_t>(state.range(0)), 'm');
  constexpr std::size_t bytes = 256 << 20;
  for (std::uint64_t number = 1; number * messages.size() < bytes; ++number) {
    must(stream->append(transaction(number, messages)));
  }
  must(stream->sync());
  for (auto _ : state) {
    auto reader = std::move(*stream->read_from(stream->begin()));
    for (;;) {
      const auto record = reader->next({}, std::chrono::milliseconds(0));
      CHECK(record.ok());
      if (!record->has_value()) break;
      benchmark::DoNotOptimize((*record)->part.messages.data());
    }
  }
  state.SetBytesProcessed(state.iterations() *
                          static_cast<std::int64_t>(stream->durable().offset.value));
}
BENCHMARK(read)->Arg(200)->Arg(2'000)->Arg(1 << 20)->UseRealTime();

// Opening after a stop: the last file is read from its beginning.
void open(benchmark::State& state) {
  const Scratch scratch;
  {
    auto stream = std::move(*Stream::open(scratch.folder, {}));
    const std::string messages(200, 'm');
    for (std::uint64_t number = 1; number * 256 < (60 << 20); ++number) {
      must(stream->append(transaction(number, messages)));
    }
    must(stream->sync());
  }
  for (auto _ : state) CHECK(Stream::open(scratch.folder, {}).ok());
}
BENCHMARK(open)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace freshet::stream
