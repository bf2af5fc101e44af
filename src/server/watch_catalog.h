// The catalog stage: asks the source's catalog now and then whether something has happened to our
// tables that the stream does not tell, keeps the publications fitting, and tells apply.
//
// A key that was dropped is what is most urgent: PostgreSQL refuses the application's updates of
// the table, until it is published for inserts only.
#pragma once

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "collection/store.h"
#include "postgres/catalog.h"
#include "postgres/connection.h"
#include "server/catalog_news.h"
#include "server/config.h"
#include "server/handover.h"
#include "source/lease.h"
#include "source/slot.h"

namespace freshet::server {

// One thread, with a connection of its own. It never fails: what cannot be asked now is asked
// later.
class WatchCatalog {
 public:
  struct Options {
    source::Names names{};
    postgres::Plugin plugin = postgres::Plugin::Pgoutput;
    bool binary = true;  // as values are sent
  };
  WatchCatalog(const SourceConfig& config, const source::Owner& owner, Options options,
               const collection::Store& store, SourceId source, Handover& handover);

  Result<> run(std::stop_token stop);

 private:
  Result<> look(std::stop_token stop);
  Result<> tell();
  std::string states(const std::vector<collection::TableRecord>& records) const;

  const SourceConfig& config_;
  const source::Owner& owner_;
  const Options options_;
  const collection::Store& store_;
  SourceId source_;
  Handover& handover_;
  CatalogReader reader_;
  std::unique_ptr<postgres::Connection> connection_;
  std::string seen_;       // the fingerprint and the tables' states that had no news
  std::string complaint_;  // the last one, so that it is said once
};

}  // namespace freshet::server
