// What a Writer works on: the tables of its source and the one transaction that changes them.
//
// A change is carried out in three places that must agree: the engine's transaction, the tables
// here, and the version that readers see. commit() moves all three; after any error only what is
// durable counts, and the Workspace is thrown away.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "collection/batch_plan.h"
#include "collection/journal.h"
#include "collection/state.h"
#include "collection/table.h"
#include "engine/connection.h"
#include "engine/inserter.h"

namespace freshet::collection {

class Workspace {
 public:
  static Result<std::unique_ptr<Workspace>> open(std::shared_ptr<Store::State> state,
                                                 SourceId source);
  ~Workspace();

  Store::State& state() { return *state_; }
  engine::Connection& connection() { return *connection_; }
  SourceId source() const { return source_; }
  const Applied& applied() const { return applied_; }
  Lsn stale_at() const { return stale_at_; }  // see SourceRecord
  Journal& journal() { return *journal_; }
  std::map<TableId, Table>& tables() { return tables_; }
  Table* find(TableId table);
  const std::map<TableId, Table>& incoming() const { return incoming_; }
  Table* find_incoming(TableId table);
  // A table whose changes are applied unseen, until replace().
  Table& add_incoming(TableId table);
  // The same for a table that was paused: it has the same rows, and takes over the key index.
  Table& resume(Table& paused);
  void drop_incoming(TableId table);
  // Puts the incoming table in the place of the visible one, which the open transaction records.
  Result<Table*> replace(TableId table);

  // Says that the open transaction changes the table.
  void touch(Table& table);
  // Begins the transaction, if none is open.
  Result<> begin();
  bool in_transaction() const { return connection_->in_transaction(); }

  // Builds the key index, if the table needs one and has none.
  Result<> ensure_index(Table& table);
  // Where the table's next rows go. A new segment's id when the last one takes no more.
  Location open_end(const Table& table);
  // Appends the rows of a settled plan and buries the dead.
  Result<> carry_out(Table& table, const TableChanges& changes, const BatchPlan& plan);
  // Takes back what the open transaction did to the table, and sets it to Failed; or to Waiting,
  // when it only has to be copied again.
  Result<> stop(Table& table, const ChangeSet::Stopped& why);

  // Takes back what the open transaction did to the table, which has a `before`.
  Result<> take_back(Table& table);

  // The table's rows are none of these any more; readers of older versions keep them.
  void retire(const std::vector<SegmentId>& segments);
  void retire_all(Table& table);
  // Drops the table's view, segments and definition.
  Result<> remove(TableId table);
  // Replaces segments by one that holds the same rows.
  Result<> add_segment(Table& table, SegmentId segment);

  // How far a commit takes the source; what is not given stays.
  struct Move {
    std::optional<Applied> applied{};
    std::optional<Lsn> stale_at{};
  };
  // Writes views, definitions, the journal and the new positions; commits and publishes.
  Result<> commit(const Move& move);

 private:
  Workspace(std::shared_ptr<Store::State> state, SourceId source,
            std::unique_ptr<engine::Connection> connection);
  Result<> load_tables();
  std::vector<SegmentId> own_segments(const Table& table);
  Result<> bury(Table& table, std::span<const Location> dead);
  Result<> bury_unrecorded(const Table& table);
  Result<engine::Inserter*> inserter(SegmentId segment, const TableSchema& schema);
  Result<> write_views();
  Result<> write_definitions();
  std::vector<LiveRoot::Edit> edits();
  void show_position(Version& version, const Move& move) const;
  void record(const Move& move);
  void committed();
  void record_incoming(Recorded& recorded) const;

  std::shared_ptr<Store::State> state_;
  SourceId source_;
  Applied applied_;
  Lsn stale_at_;
  std::unique_ptr<engine::Connection> connection_;
  std::optional<Journal> journal_;
  std::map<TableId, Table> tables_;
  std::map<TableId, Table> incoming_;  // each beside one of tables_
  std::vector<Table*> touched_;        // by the open transaction; a commit looks at no other
  // Each holds a plan. All are closed when there are too many.
  std::unordered_map<SegmentId, engine::Inserter> inserters_;
  std::vector<SegmentId> retired_;  // by the open transaction
  std::vector<TableId> removed_;
};

}  // namespace freshet::collection
