// live(segment, rowid): the scalar function that hides dead rows, and what it asks.
//
// A query holds one immutable root; the function looks it up through its own connection (plans live
// longer than versions, so they bind the connection, never the root).
#pragma once

#include <cstddef>
#include <cstdint>

namespace freshet::engine {

// The live rows of every segment at one version. Implemented by collection. Immutable; any thread.
class LiveRows {
 public:
  virtual ~LiveRows() = default;
  // Writes 1 or 0 for each row id. Row ids of one call are nearly always consecutive.
  // A segment that is not known has no dead rows.
  virtual void test(std::uint32_t segment, const std::int64_t* rows, std::size_t count,
                    bool* out) const = 0;
};

}  // namespace freshet::engine
