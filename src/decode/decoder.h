// Decodes what a stream holds, whatever the source sent: pgoutput's messages, or the lines of
// test_decoding. The bytes say themselves which they are.
#pragma once

#include "base/result.h"
#include "decode/pgoutput.h"
#include "decode/test_decoding.h"
#include "model/change.h"
#include "model/transaction.h"

namespace freshet::decode {

// One thread. See PgoutputDecoder for what comes out.
class Decoder {
 public:
  Result<> decode(const TransactionPart& part, ChangeSet& out) {
    if (!holds_lines(part)) return pgoutput_.decode(part, out);
    auto translated = TRY(lines_.translate(part, out));
    TransactionPart as_pgoutput = part;
    as_pgoutput.messages = as_bytes(*translated);
    out.keep.push_back(std::move(translated));
    return pgoutput_.decode(as_pgoutput, out);
  }

 private:
  PgoutputDecoder pgoutput_;
  LineTranslator lines_;
};

}  // namespace freshet::decode
