// Decodes what a stream holds, whatever the source sent: pgoutput's messages, or the lines of
// test_decoding. The bytes say themselves which they are.
#pragma once

#include <memory>
#include <optional>
#include <span>
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
    const std::size_t stopped_before = out.stopped.size();
    auto altered = TRY(pgoutput_.decode(as_pgoutput, out));
    suspect_shapes(
        {out.stopped.begin() + static_cast<std::ptrdiff_t>(stopped_before), out.stopped.end()});
    if (!altered) translated_.reset();
    return altered;
  }

 private:
  // Lines do not tell the precision of a type: a value that does not fit may be of another one.
  // If not, the copy says so.
  static void suspect_shapes(std::span<ChangeSet::Stopped> stopped) {
    for (ChangeSet::Stopped& table : stopped) {
      table.shape_changed = table.shape_changed || table.reason.sqlstate.starts_with("22");
      table.widened.reset();
    }
  }

  PgoutputDecoder pgoutput_;
  LineTranslator lines_;
  std::shared_ptr<const std::string> translated_;  // of the part that is being decoded
};

}  // namespace freshet::decode
