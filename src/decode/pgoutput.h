// The pgoutput decoder: bytes of logical replication to Changes, straight into columns.
//
// A Relation message describes a table before its first row of a session and again after every
// ALTER. The decoder compares it with the schema the collection was built for. When they differ, it
// hands back before anything of the new shape is decoded: whoever reads the changes has to deal
// with those before it first.
//
// An UPDATE may leave out large unchanged columns. They come out as Unchanged, never as null; under
// REPLICA IDENTITY FULL the value is taken from the old row, which carries it.
//
// Source: PostgreSQL documentation, "Logical Replication Message Formats", protocol version 1.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "decode/relation.h"
#include "model/change.h"
#include "model/transaction.h"

namespace freshet::decode {

// From here on the rows of a table have another shape than its entry says.
struct Altered {
  std::shared_ptr<const TableSchema> schema;  // the entry's
  Relation relation;                          // what the source says
  std::string difference;                     // "column total was added"
};

// One thread. Holds nothing that a restart could not find in the schemas of `out.tables`.
class PgoutputDecoder {
 public:
  PgoutputDecoder();
  ~PgoutputDecoder();
  PgoutputDecoder(PgoutputDecoder&&) noexcept;
  PgoutputDecoder& operator=(PgoutputDecoder&&) noexcept;

  // Adds the changes of one part to `out`, for the tables that have an entry there and whose
  // skip_before is not above the part's commit_lsn. Rows are decoded by the entry's schema.
  // `out.applied.lsn` and `.commit_time` move at the last part; the offset is the caller's.
  // A value that its column cannot represent stops that table only: what the running transaction
  // changed in it is taken out of `out` again, so that it never shows half of one, and the rest is
  // skipped until its entry has another schema or a higher skip_before. An error here is Corruption
  // of the stream itself: an unknown message, a length that runs out.
  //
  // With Altered it has decoded what comes before, and goes on there in the next call, which has to
  // be for the same part and with an entry of that shape, or without one; `out` may have been
  // emptied meanwhile.
  Result<std::optional<Altered>> decode(const TransactionPart& part, ChangeSet& out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace freshet::decode
