// Rewriting: the live rows of some segments of a table go to one new segment, in order, so a row's
// new place follows from its old one by counting the live rows before it.
//
// The rows are those live at a pinned version, in the shape the table had when it was planned. When
// the new segment takes the place of the old ones, rows that died since are marked dead in it and
// the key index is pointed to it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "collection/key_index.h"
#include "collection/segment.h"
#include "collection/table.h"
#include "engine/connection.h"

namespace freshet::collection {

struct RewritePlan {
  std::vector<SegmentId> from;  // empty: nothing to do
  std::uint64_t live_rows = 0;
};

// What is worth rewriting: segments of which most rows are dead, or the smallest when there are too
// many. Never more than a part of a large table at a time, so each row moves a bounded number of
// times per number of changes.
RewritePlan plan_rewrite(const std::vector<Segment>& segments);

class Rewrite {
 public:
  Rewrite(const Table& table, const RewritePlan& plan, SegmentId to);

  // Makes and fills the new segment, inside the connection's transaction. Touches nothing else.
  Result<> copy(engine::Connection& connection) const;

  TableId table() const { return table_; }
  SegmentId to() const { return to_; }
  std::vector<SegmentId> from() const;
  // False when the table has been truncated, replaced or dropped since.
  bool fits(const Table& table) const;
  // Puts the new segment in the place of the old ones and returns it; its bits hold what died
  // since.
  Segment& take_over(Table& table) const;

 private:
  // One old segment as it was when the rewrite was planned.
  struct Part {
    SegmentId segment = 0;
    std::shared_ptr<const SegmentLayout> layout{};
    std::uint64_t rows = 0;
    SegmentBits bits;
    std::uint64_t first = 0;                      // row of its first live row in the new segment
    std::vector<std::uint64_t> live_before = {};  // per 64 rows

    std::uint64_t moved(std::uint64_t row) const;
  };
  const Part* find(SegmentId segment) const;
  void carry_deaths(const Part& part, const Segment& now, Segment& target) const;

  TableId table_;
  std::shared_ptr<const TableSchema> schema_;
  Constants constants_;
  SegmentId to_;
  std::uint64_t rows_ = 0;
  std::vector<Part> parts_;
};

}  // namespace freshet::collection
