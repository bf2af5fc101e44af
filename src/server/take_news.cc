#include "server/take_news.h"

#include <algorithm>
#include <map>
#include <utility>

#include "observe/log.h"
#include "server/mirrored_tables.h"

namespace freshet::server {

namespace {

using collection::TableRecord;
using collection::TableState;

class Taker {
 public:
  Taker(const collection::Store& store, SourceId source, collection::Writer& writer)
      : writer_(writer) {
    for (TableRecord& record : store.tables()) {
      if (record.source == source) records_[record.schema->id] = std::move(record);
    }
  }

  Result<bool> take(const CatalogNews& news, const Applied& applied) {
    // First what goes, because its name may be taken anew.
    for (const TableNews& table : news.tables) {
      if (const auto* gone = current<TableNews::Gone>(table)) leave(table.table, *gone);
    }
    if (!removed_.empty()) TRY(writer_.remove_tables(removed_));
    TRY(alter(news, applied));
    for (const TableNews& table : news.tables) put(table);
    if (!records_to_put_.empty()) TRY(writer_.put_tables(records_to_put_));
    return copy_wanted_;
  }

 private:
  const TableRecord* find(TableId id) const {
    const auto found = records_.find(id);
    return found == records_.end() ? nullptr : &found->second;
  }

  // The news, when they are of that kind and still of what is there.
  template <typename Kind>
  const Kind* current(const TableNews& news) const {
    const TableRecord* record = find(news.table);
    const auto* kind = std::get_if<Kind>(&news.what);
    if (kind == nullptr) return nullptr;
    if (!news.known) return record == nullptr ? kind : nullptr;
    if (record == nullptr || *record->schema != *news.known) return nullptr;
    if (std::is_same_v<Kind, TableNews::Gone>) return kind;
    if (std::is_same_v<Kind, TableNews::CopyAgain> && record->state == TableState::CatchingUp) {
      return kind;
    }
    return record->state == TableState::Live ? kind : nullptr;
  }

  void leave(TableId id, const TableNews::Gone& gone) {
    TableRecord record = *find(id);
    observe::info("table gone", {{"table", record.schema->qualified_name()}});
    if (gone.replaced) {
      removed_.push_back(id);
      return;
    }
    mark_dropped(record);
    records_to_put_.push_back(std::move(record));
  }

  // Tables can take each other's names: one that is in the way first takes a name that nobody has.
  Result<> alter(const CatalogNews& news, const Applied& applied) {
    std::vector<const TableNews::Altered*> wanted;
    for (const TableNews& table : news.tables) {
      if (const auto* altered = current<TableNews::Altered>(table)) wanted.push_back(altered);
    }
    if (wanted.empty()) return {};
    for (const TableNews::Altered* altered : wanted) TRY(step_aside(*altered, wanted));
    for (const TableNews::Altered* altered : wanted) {
      const auto stopped = TRY(writer_.alter(altered->alteration, false));
      for (const ChangeSet::Stopped& table : stopped) {
        observe::error("table failed", {{"table", altered->alteration.schema->qualified_name()},
                                        {"reason", table.reason.message}});
      }
      if (stopped.empty()) {
        observe::info("table altered", {{"table", altered->alteration.schema->qualified_name()},
                                        {"change", altered->what}});
      }
    }
    ChangeSet nothing;
    nothing.applied = applied;
    TRY(writer_.apply(nothing, false));
    return {};
  }

  Result<> step_aside(const TableNews::Altered& altered,
                      const std::vector<const TableNews::Altered*>& wanted) {
    const TableRecord& record = *find(altered.alteration.schema->id);
    const std::string name = record.schema->qualified_name();
    const bool in_the_way = std::ranges::any_of(wanted, [&](const TableNews::Altered* other) {
      const TableSchema& schema = *other->alteration.schema;
      return schema.id != record.schema->id && schema.qualified_name() == name;
    });
    if (!in_the_way) return {};
    auto aside = std::make_shared<TableSchema>(*record.schema);
    aside->name = "freshet_" + std::to_string(value(aside->id)) + "_" + aside->name;
    TRY(writer_.alter({.schema = std::move(aside), .catalog = record.catalog}, false));
    return {};
  }

  void put(const TableNews& news) {
    if (const auto* came = current<TableNews::Came>(news)) {
      observe::info("table came", {{"table", came->record.schema->qualified_name()}});
      copy_wanted_ = true;
      records_to_put_.push_back(came->record);
      return;
    }
    if (find(news.table) == nullptr) return;
    TableRecord record = *find(news.table);
    if (const auto* noted = current<TableNews::Noted>(news)) {
      record.catalog = noted->catalog;
    } else if (const auto* refused = current<TableNews::Refused>(news)) {
      refuse(record, refused->reason);
      observe::error("table failed",
                     {{"table", record.schema->qualified_name()}, {"reason", record.last_error}});
    } else if (const auto* again = current<TableNews::CopyAgain>(news)) {
      record.state = TableState::Waiting;
      record.resync = false;
      tell_copy(record, again->reason);
    } else if (const auto* resync = current<TableNews::Resync>(news)) {
      record.resync = true;
      record.catalog = resync->catalog;
      tell_copy(record, resync->reason);
    } else {
      return;
    }
    records_to_put_.push_back(std::move(record));
  }

  void tell_copy(const TableRecord& record, const std::string& reason) {
    copy_wanted_ = true;
    observe::info("copying a table again",
                  {{"table", record.schema->qualified_name()}, {"reason", reason}});
  }

  collection::Writer& writer_;
  std::map<TableId, TableRecord> records_;
  std::vector<TableId> removed_;
  std::vector<TableRecord> records_to_put_;
  bool copy_wanted_ = false;
};

}  // namespace

Result<bool> take_news(const CatalogNews& news, const collection::Store& store, SourceId source,
                       collection::Writer& writer, const Applied& applied) {
  return Taker(store, source, writer).take(news, applied);
}

}  // namespace freshet::server
