// The journal of a source: which rows died and how far it was applied. One append-only table
// `_meta.journal<source>(segment INTEGER, row BIGINT)`, one append per commit: each further table
// touched by a commit costs more than all its rows.
//
//   segment ≥ 1          that row of that segment is dead
//   segment 0, -1, -2    LSN, stream offset and commit time of the applied position
//   segment -3           SourceRecord::stale_at
//
// The last of each counts.
//
// Marks of segments that are gone and positions that were passed stay until rewrite().
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "collection/live_rows.h"
#include "engine/connection.h"
#include "engine/inserter.h"
#include "model/position.h"
#include "model/schema.h"

namespace freshet::collection {

std::string journal_name(SourceId source);

// The writing end; used by the source's Writer, in its transactions.
class Journal {
 public:
  // `rows`: in the table now.
  Journal(engine::Connection& connection, SourceId source, std::uint64_t rows);

  void add_dead(SegmentId segment, std::uint64_t row);
  void add_position(const Applied& applied);
  void add_stale_at(Lsn lsn);
  // Hands what was added to the engine.
  Result<> flush();
  // Takes back the marks made for `segments` in the open transaction, flushed or not.
  Result<> forget(const std::vector<SegmentId>& segments);

  std::uint64_t rows() const { return rows_; }
  // Starts anew with only these. Inside a transaction.
  Result<> rewrite(const Applied& applied, Lsn stale_at,
                   const std::vector<std::pair<SegmentId, const SegmentBits*>>& dead);

 private:
  void add(std::int32_t segment, std::int64_t row);

  engine::Connection& connection_;
  SourceId source_;
  std::uint64_t rows_;
  std::optional<engine::Inserter> inserter_;
  std::vector<Column> columns_;
};

Result<> create_journal(engine::Connection& connection, SourceId source);

struct JournalContent {
  Applied applied;
  Lsn stale_at;
  std::uint64_t rows = 0;
  SegmentId segment_max = 0;
};
// Marks in `dead` what the journal says is dead.
Result<JournalContent> read_journal(engine::Connection& connection, SourceId source,
                                    std::unordered_map<SegmentId, SegmentBits>& dead);

}  // namespace freshet::collection
