// The decoder of test_decoding: puts its lines into the words of pgoutput, which PgoutputDecoder
// then reads. So whatever holds for rows and tables there, holds here.
//
// A line says less. Tables are known by name only; types by name and without their precision; what
// a row is named by, by the columns that name it. What a line and the table's schema disagree about
// goes out as a Relation that disagrees, which stops the table as one whose shape changed.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "decode/text_line.h"
#include "model/change.h"
#include "model/transaction.h"

namespace freshet::decode {

// Whether a part holds lines of test_decoding.
bool holds_lines(const TransactionPart& part);

// One thread.
class LineTranslator {
 public:
  LineTranslator();
  ~LineTranslator();
  LineTranslator(LineTranslator&&) noexcept;
  LineTranslator& operator=(LineTranslator&&) noexcept;

  // The part's messages as pgoutput would have sent them, for the tables that have an entry in
  // `out`. Corruption when a line is malformed.
  Result<std::shared_ptr<const std::string>> translate(const TransactionPart& part,
                                                       const ChangeSet& out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace freshet::decode
