// given_rows(): the table function that hands rows of Columns to the server's own statements. Its
// columns are called c0, c1, …
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/result.h"
#include "engine/connection_slot.h"
#include "model/column.h"

namespace freshet::engine {

// The rows that a running statement reads. They stay where they are while it runs.
struct RowBatch {
  std::span<const Type> types;    // of all columns; all that is needed to plan a statement
  std::span<const Column> first;  // the columns, in one piece or in two
  std::span<const Column> more{};
  std::size_t begin = 0;  // rows [begin, end), unless they are named
  std::size_t end = 0;
  std::span<const std::uint32_t> named{};

  const Column& column(std::size_t i) const {
    return i < first.size() ? first[i] : more[i - first.size()];
  }
};

// Says what given_rows() is on a connection, for as long as it lives.
class GivenRows {
 public:
  GivenRows(ConnectionSlot& slot, const RowBatch& batch) : slot_(slot) { slot_.batch = &batch; }
  ~GivenRows() { slot_.batch = nullptr; }
  GivenRows(const GivenRows&) = delete;
  GivenRows& operator=(const GivenRows&) = delete;

 private:
  ConnectionSlot& slot_;
};

Result<> register_given_rows(_duckdb_connection* connection,
                             std::shared_ptr<ConnectionSlots> slots);

}  // namespace freshet::engine
