// What has become of our tables, by the catalog of their source: told where the stream does not, or
// not yet. Tables that came, went, were renamed, rewritten or altered without a row after it;
// partitions that were attached, detached or emptied; keys that were dropped or made.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/arena.h"
#include "base/result.h"
#include "collection/store.h"
#include "postgres/catalog.h"
#include "postgres/connection.h"

namespace freshet::server {

// Of one table. `known`: the schema our rows had when the catalog was read; when they have another
// one by now, the news are old.
struct TableNews {
  struct Came {
    collection::TableRecord record;
  };
  struct Altered {
    collection::Alteration alteration;
    std::string what;
  };
  struct CopyAgain {  // the old rows stand still until then
    std::string reason;
  };
  struct Resync {  // … or are followed on
    std::string reason;
    std::string catalog;
  };
  struct Noted {  // nothing that matters to rows
    std::string catalog;
  };
  struct Gone {
    bool replaced;  // by another table of its name, or not wanted any more
  };
  struct Refused {
    std::string reason;  // why it can be mirrored no longer
  };

  TableId table{};
  std::shared_ptr<const TableSchema> known{};
  std::variant<Came, Altered, CopyAgain, Resync, Noted, Gone, Refused> what;
};

struct CatalogNews {
  Lsn at;  // the source was so, once everything below was applied
  std::vector<TableNews> tables;
  std::shared_ptr<Arena> arena = std::make_shared<Arena>();  // of constants
};

// Compares what is recorded with what the catalog says. One thread.
class CatalogReader {
 public:
  CatalogReader(SourceId source, postgres::Plugin plugin, bool binary)
      : source_(source), plugin_(plugin), binary_(binary) {}

  // `tables`: those that match the patterns, as read just now. Asks for more where that is not
  // enough.
  Result<CatalogNews> compare(postgres::Connection& connection,
                              const std::vector<collection::TableRecord>& records,
                              const std::vector<postgres::CatalogTable>& tables,
                              const postgres::TablePatterns& patterns);

 private:
  Result<std::optional<TableNews>> look_at(postgres::Connection& connection,
                                           const collection::TableRecord& record,
                                           const postgres::CatalogTable& table, Arena& arena);
  Result<std::optional<TableNews>> altered(postgres::Connection& connection,
                                           const collection::TableRecord& record,
                                           const postgres::CatalogTable& table, Arena& arena);
  Result<std::optional<std::string>> rows_changed(postgres::Connection& connection,
                                                  const collection::TableRecord& record,
                                                  const postgres::CatalogTable& table);

  SourceId source_;
  postgres::Plugin plugin_;
  bool binary_;  // as values are sent
};

}  // namespace freshet::server
