// ALTER SOURCE … ADD TABLE and DROP TABLE, on a source that is followed meanwhile.
//
//   add     the publications get the tables; the choice is recorded; apply records the tables,
//   which
//           wait for their copy. The copy's snapshot waits until every transaction that was open
//           when the publication changed has ended: what such a one had written before is not
//           in the stream.
//   drop    the choice is recorded; apply removes the collections; the publications let go of the
//           tables. A table that came back from there at once would have a gap: so it is copied
//           anew.
//
// A crash between two of these steps is made good by the next start: prepare.h makes publications
// and collections fit what is chosen.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "collection/store.h"
#include "postgres/catalog.h"
#include "query/commands.h"
#include "server/board.h"
#include "server/config.h"
#include "server/handover.h"
#include "server/requests.h"
#include "source/lease.h"
#include "source/slot.h"

namespace freshet::server {

// A stage: one thread.
class AlterSourceTables {
 public:
  AlterSourceTables(const SourceConfig& config, const source::Owner& owner, source::Names names,
                    collection::Store& store, SourceId source, Handover& handover,
                    Requests& requests, Board& board);

  // Answers requests until asked to stop. What is wrong with one is the client's to know.
  Result<> run(std::stop_token stop);

 private:
  using Tables = std::vector<postgres::CatalogTable>;

  Result<Notes> answer(const query::AlterSource& asked, std::stop_token stop);
  Result<Notes> add(postgres::Connection& connection, const query::AlterSource& asked,
                    std::stop_token stop);
  Result<Notes> drop(postgres::Connection& connection, const query::AlterSource& asked,
                     std::stop_token stop);
  Result<Tables> new_tables(postgres::Connection& connection, const query::Word& pattern) const;
  postgres::Plugin plugin(const postgres::Connection& connection) const;
  Result<> publish(postgres::Connection& connection, const Tables& tables) const;
  std::vector<collection::TableRecord> mirrored() const;
  Result<Tables> still_published(postgres::Connection& connection) const;
  Result<> choose(const std::vector<query::Word>& patterns, const std::string& mark);
  void hand_over(std::vector<Order> orders, std::stop_token stop);

  const SourceConfig& config_;
  const source::Owner& owner_;
  const source::Names names_;
  collection::Store& store_;
  const SourceId source_;
  Handover& handover_;
  Requests& requests_;
  Board& board_;
};

}  // namespace freshet::server
