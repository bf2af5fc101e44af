// Follows a table through an alteration that the stream has come to: asks the source what it means,
// and takes the collection to its new shape.
//
// One thread, between two messages. What it asks takes no lock on the source.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/arena.h"
#include "base/result.h"
#include "collection/store.h"
#include "decode/pgoutput.h"
#include "model/change.h"
#include "postgres/connection.h"
#include "postgres/plugin.h"
#include "server/shape_change.h"

namespace freshet::server {

class AlteredTables {
 public:
  // `url`: of the source. `binary`: as its values are sent.
  AlteredTables(std::string url, bool binary, postgres::Plugin plugin)
      : url_(std::move(url)), binary_(binary), plugin_(plugin) {}

  // Whose rows: those that apply() changes, or those that replay() does.
  enum class Rows { Live, Behind };
  // Alters the table within the writer's open transaction, behind the changes that were given to
  // it, and makes `record` say what the table is from here on. The answer is empty, or names the
  // table that cannot be followed: it waits for a new copy or has failed, and its further changes
  // are to be skipped. Transient when the source cannot be asked.
  Result<std::vector<ChangeSet::Stopped>> follow(const decode::Altered& altered,
                                                 collection::TableRecord& record,
                                                 collection::Writer& writer, Rows rows,
                                                 std::stop_token stop);

  // The same for a table whose rows have labels that it does not know: takes it to those that the
  // source has now. It waits for a new copy when one of them was renamed.
  Result<std::vector<ChangeSet::Stopped>> learn_labels(collection::TableRecord& record,
                                                       collection::Writer& writer, Rows rows,
                                                       std::stop_token stop);

 private:
  Result<ShapeChange> decide(const decode::Altered& altered, const collection::TableRecord& record,
                             std::stop_token stop);
  Result<ShapeChange> look_once(const decode::Altered& altered,
                                const collection::TableRecord& record, std::stop_token stop);
  Result<std::optional<postgres::CatalogShape>> ask(TableId id, std::stop_token stop);

  std::string url_;
  bool binary_;
  postgres::Plugin plugin_;
  std::unique_ptr<postgres::Connection> connection_;  // opened when first needed
  Arena arena_;
};

// An entry of a ChangeSet for the same table in its new shape.
void go_on_as(const std::shared_ptr<const TableSchema>& schema,
              std::unique_ptr<TableChanges>& entry);

}  // namespace freshet::server
