// The collections that freshet.toml asks for: made once their table is known, and made anew when
// their definition is another than what is recorded.
#pragma once

#include <vector>

#include "base/result.h"
#include "collection/store.h"
#include "query/commands.h"
#include "server/board.h"

namespace freshet::server {

// Used by the thread that holds the source's writer.
class ConfiguredCollections {
 public:
  ConfiguredCollections(std::vector<query::CreateCollection> wanted, Board& board)
      : wanted_(std::move(wanted)), board_(board) {}

  // Makes those whose table is known by now; between transactions. What cannot be made is told, and
  // not tried again.
  Result<> make(const collection::Store& store, SourceId source, collection::Writer& writer);

 private:
  std::vector<query::CreateCollection> wanted_;
  Board& board_;
};

}  // namespace freshet::server
