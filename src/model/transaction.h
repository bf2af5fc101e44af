// One transaction of a source on its way to the stream, or one part of a large one.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "model/position.h"

namespace freshet {

// Where a source sends lines of text (the plugin test_decoding) in place of pgoutput's messages,
// each is a message that begins with this byte, which no message of pgoutput does.
inline constexpr char test_decoding_line = '#';

// Parts of a transaction follow each other without anything between; small ones have one part.
struct TransactionPart {
  bool first = true;
  bool last = true;
  Lsn commit_lsn;      // start of the commit record: what a snapshot's LSN is compared with
  Lsn end_lsn;         // end of the commit record; known in the last part only, else zero
  Time commit_time{};  // by the source's clock
  // pgoutput messages as received, each behind its length (u32, little-endian).
  Bytes messages;
};

}  // namespace freshet
