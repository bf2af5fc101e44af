// Decodes what a stream holds, whatever the source sent: pgoutput's messages, or the lines of
// test_decoding. The bytes say themselves which they are.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "decode/pgoutput.h"
#include "decode/test_decoding.h"
#include "model/change.h"
#include "model/transaction.h"

namespace freshet::decode {

// One thread. See PgoutputDecoder for what comes out.
class Decoder {
 public:
  Result<std::optional<Altered>> decode(const TransactionPart& part, ChangeSet& out) {
    if (!holds_lines(part)) return pgoutput_.decode(part, out);
    if (!translated_) translated_ = TRY(lines_.translate(part, out));
    TransactionPart as_pgoutput = part;
    as_pgoutput.messages = as_bytes(*translated_);
    out.keep.push_back(translated_);
    auto altered = TRY(pgoutput_.decode(as_pgoutput, out));
    if (!altered) translated_.reset();
    return altered;
  }

 private:
  PgoutputDecoder pgoutput_;
  LineTranslator lines_;
  std::shared_ptr<const std::string> translated_;  // of the part that is being decoded
};

}  // namespace freshet::decode
