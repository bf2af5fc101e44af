// A statement with its parameters bound, on its way through its rows: what Execute and FETCH read.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "query/control.h"
#include "query/engine_query.h"

namespace freshet::query {

// A statement under its name.
struct Prepared {
  std::string sql;
  Control control;
  std::shared_ptr<EngineQuery> query;  // of a Query, and of a Declare
  std::vector<std::uint32_t> given;    // parameter types as the client named them
};

class Portal {
 public:
  // A suspended portal keeps at most so many rows when another statement needs the engine.
  static constexpr std::uint64_t kept_rows_max = 10'000'000;

  Portal(std::shared_ptr<Prepared> prepared, std::vector<Parameter> parameters)
      : prepared_(std::move(prepared)), parameters_(std::move(parameters)) {}

  const Prepared& prepared() const { return *prepared_; }
  const std::shared_ptr<Prepared>& share() const { return prepared_; }
  const std::vector<Parameter>& parameters() const { return parameters_; }
  bool cursor = false;  // made by DECLARE, under the cursor's name
  bool held = false;    // WITH HOLD: survives the end of its block

  bool started() const { return started_; }
  bool streams() const { return stream_ != nullptr; }
  const std::vector<engine::ResultColumn>& columns() const;

  Result<> start();
  // Rows that are not the engine's: SHOW.
  void start_with(std::unique_ptr<engine::Chunk> rows, std::vector<engine::ResultColumn> columns);
  // Gives at most `rows_max` rows (0: all) to the sink, or skips them without one.
  Result<std::uint64_t> read(std::uint64_t rows_max, ResultSink* sink, const auto& stopped);
  bool at_end() const { return at_end_; }
  // Takes the remaining rows out of the engine, which streams one result at a time.
  Result<> drain();

 private:
  Result<> explain();
  Result<bool> next_chunk();

  std::shared_ptr<Prepared> prepared_;
  std::vector<Parameter> parameters_;
  std::vector<engine::ResultColumn> own_columns_;
  std::unique_ptr<engine::RowStream> stream_;
  std::deque<std::unique_ptr<engine::Chunk>> kept_;
  std::unique_ptr<engine::Chunk> chunk_;
  std::size_t row_ = 0;  // next of chunk_
  bool started_ = false;
  bool at_end_ = false;
};

// `stopped` is asked between chunks: an error it returns ends the reading.
Result<std::uint64_t> Portal::read(std::uint64_t rows_max, ResultSink* sink, const auto& stopped) {
  std::uint64_t count = 0;
  while (rows_max == 0 || count < rows_max) {
    if (!chunk_) {
      TRY(stopped());
      const bool more = TRY(next_chunk());
      if (!more) break;
    }
    const std::size_t left = chunk_->size() - row_;
    const std::size_t take =
        rows_max == 0 ? left
                      : static_cast<std::size_t>(std::min<std::uint64_t>(left, rows_max - count));
    if (sink) TRY(sink->rows(*chunk_, row_, row_ + take));
    count += take;
    row_ += take;
    if (row_ == chunk_->size()) chunk_.reset();
  }
  return count;
}

}  // namespace freshet::query
