// The store: all collections of the process, their versions, and the one lock that makes a query
// see exactly one of them. How rows are kept is told in docs/store.md; nobody outside knows.
//
//   durable truth   rows in segments, dead marks, definitions and applied positions: one engine
//                   transaction per apply
//   derived         live-row bitsets and key indexes: rebuilt from the above by open()
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/connection.h"
#include "engine/database.h"
#include "model/change.h"
#include "model/position.h"
#include "model/schema.h"
#include "transform/definition.h"

namespace freshet::collection {

// Where one table stands between PostgreSQL and its collection. Stored, but Copying, which restarts
// as Waiting. The reason of Paused and Failed is kept with it.
enum class TableState : std::uint8_t { Waiting, Copying, CatchingUp, Live, Paused, Failed };
std::string_view to_string(TableState state);  // "waiting", "copying", "catching_up", …

// What is stored about one table. A value; the store keeps the truth.
struct TableRecord {
  SourceId source{};
  std::shared_ptr<const TableSchema> schema;
  TableState state = TableState::Waiting;
  Lsn snapshot_lsn;           // rows were copied at this point; earlier commits are in them already
  Offset replay_from;         // changes that are not in the copy start here in the stream
  std::string last_error;     // empty when fine
  bool inserts_only = false;  // no usable identity: updates and deletes are not mirrored
  bool resync = false;        // live, and to be copied again meanwhile
  // What the source's catalog said when the rows had this schema. The store keeps it, no more.
  std::string catalog;
  std::vector<WidenedColumn> widened{};  // what the next copies are to hold wider

  // Told by the store, never to it.
  bool resuming = false;  // catching up after a pause, and visible as it was then
  bool replaced = false;  // live, and a newer copy is catching up unseen
};

// A collection that is no mirror: what a transformation makes of a table of the same source. It is
// at the same position as the mirrors, but while it is (re)filled from the table's rows: then it is
// CatchingUp, and shows what it had before, if anything.
struct DerivedRecord {
  SourceId source{};
  std::shared_ptr<const TableSchema> schema;  // its own; the id is no table's on the source
  TableId table{};                            // what it is made of
  transform::Definition definition;
  TableState state = TableState::CatchingUp;  // or Live or Failed
  std::string last_error;
};

// A row for which a transformation failed.
struct RejectedRow {
  SourceId source{};
  TableId collection{};
  std::uint64_t number = 0;  // counts within the collection, from 1 on
  std::string at;            // when it came, as text
  std::string lsn;           // of its commit
  std::string sqlstate;
  std::string message;
  std::string row;  // of the table, as JSON
};
// Of each collection the newest are kept.
inline constexpr std::uint64_t rejected_rows_max = 1'000;

// What is stored about one source.
struct SourceRecord {
  SourceId id{};
  std::string name;       // "shop"
  std::string slot;       // "freshet_shop"
  std::string system_id;  // of the PostgreSQL cluster, to notice another one behind the same URL
  std::uint32_t timeline = 0;
  // False: the source is to be begun (anew), with a slot and a stream that are still to be made.
  bool slot_created = false;
  Applied applied;
  // Patterns of tables that were added or, with !, dropped since the source was begun, in their
  // order: they decide before what is configured.
  std::vector<std::string> choices;
  // While tables are copied anew, queries see the old rows, as of this position of the stream
  // before. Zero: they see what is applied.
  Lsn stale_at{};
};

// Numbers of one table for people and metrics.
struct TableNumbers {
  SourceId source{};
  TableId table{};
  std::uint64_t live_rows = 0;
  std::uint64_t dead_rows = 0;
  std::uint64_t segments = 0;
  std::uint64_t index_bytes = 0;   // key index
  std::uint64_t bitset_bytes = 0;  // live-row map
};

// What queries call a collection.
struct ViewName {
  std::string schema;
  std::string name;
  friend bool operator==(const ViewName&, const ViewName&) = default;
};

// A table takes another shape and keeps its rows.
struct Alteration {
  std::shared_ptr<const TableSchema> schema;  // the new one; columns are known by their attnum
  // What the rows that are there have in columns that are new, by attnum: one value each, whose
  // type the column's can hold. None: null. Strings are read during the call only.
  std::map<std::int16_t, Column> constants{};
  std::string catalog{};  // see TableRecord
};

class Reader;
class Writer;
class Copy;
class Loader;

// Thread safe unless said otherwise.
class Store {
 public:
  // Opens or creates `folder`/freshet.duckdb and rebuilds what is derived. Corruption when what was
  // stored contradicts itself.
  static Result<std::unique_ptr<Store>> open(const std::filesystem::path& folder,
                                             engine::DatabaseOptions options);
  ~Store();

  engine::Database& database();
  // Eight characters, made with the store: what follows a source tells itself from others by them.
  // A copy of the folder has the same.
  const std::string& installation() const;

  // What is recorded. Copies.
  std::vector<SourceRecord> sources() const;
  std::optional<SourceRecord> find_source(std::string_view name) const;
  std::vector<TableRecord> tables() const;  // mirrors
  std::vector<DerivedRecord> derived() const;
  // The mirror, or the derived collection, that is called so now.
  std::optional<TableRecord> find_table(SourceId source, const ViewName& name) const;
  std::optional<DerivedRecord> find_derived(SourceId source, const ViewName& name) const;
  Result<std::vector<RejectedRow>> rejected() const;
  std::vector<TableNumbers> numbers() const;

  // Finds the source of that name or records a new one.
  Result<SourceRecord> add_source(const std::string& name, const std::string& slot);
  // All but `applied` and `stale_at`, which only a Writer moves.
  Result<> update_source(const SourceRecord& source);
  // Forgets a source, its tables and their rows. No Writer or Copy of it may exist.
  Result<> drop_source(SourceId source);

  // A connection for queries.
  Result<std::unique_ptr<Reader>> reader();
  // The one writer of a source; the thread that holds it applies.
  Result<std::unique_ptr<Writer>> writer(SourceId source);
  // Starts the copy of one table into new segments; any thread, many at once. `catalog`: see
  // TableRecord.
  Result<std::unique_ptr<Copy>> copy(SourceId source, std::shared_ptr<const TableSchema> schema,
                                     std::string catalog = {});

  // What is applied, durably; the position that queries see is another one while stale_at is set,
  // and may be ahead where the source was idle.
  Applied applied(SourceId source) const;
  // The last position that queries can see; and a wait for it. False when the time is over.
  Applied visible(SourceId source) const;
  bool wait_visible(SourceId source, Lsn lsn, std::chrono::milliseconds limit,
                    std::stop_token stop) const;

  struct State;  // the insides

 private:
  explicit Store(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

// One query session's door to the collections. One thread at a time.
class Reader {
 public:
  virtual ~Reader() = default;
  virtual engine::Connection& connection() = 0;
  // Pins the newest version: from here to end() every statement on connection() sees exactly it.
  // Opens an engine transaction.
  virtual Result<> begin() = 0;
  virtual void end() = 0;
  // The positions of the pinned version, one per source.
  virtual std::vector<std::pair<SourceId, Applied>> pinned() const = 0;
};

// The only one that changes a source's collections. One thread.
class Writer {
 public:
  virtual ~Writer() = default;

  // Records tables (or replaces what is recorded about them) in one transaction.
  virtual Result<> put_tables(std::span<const TableRecord> tables) = 0;
  // Forgets tables and their rows.
  virtual Result<> remove_tables(std::span<const TableId> tables) = 0;

  // Applies whole transactions to live and catching-up tables, moves the applied position, and
  // publishes a version: all or nothing. Unchanged values are read back from the rows they belong
  // to. A table that fails alone (say, two live rows for one key) is set to Failed with its reason
  // in the same version and named in the answer, and so are those in changes.stopped; Waiting,
  // where only the shape has changed. None of what came with the same commit shows in it. An error
  // means that nothing happened.
  //
  // With more_follows the changes are the beginning of a large transaction: they stay inside the
  // open engine transaction, invisible, until a call without it completes them. After an error the
  // Writer cannot be used any more; a new one starts from what is durable.
  virtual Result<std::vector<ChangeSet::Stopped>> apply(ChangeSet& changes, bool more_follows) = 0;

  // Takes a table that is Live or CatchingUp to another schema, in the middle of its changes: what
  // was applied (or replayed) before with more_follows has the old shape, what is applied after it
  // the new one, and both become visible together, when a call without more_follows completes them.
  // No row is written for it. A column that stays may only change to a type that holds its values.
  // A table that cannot be shown so (its new name is taken) fails and is named in the answer, as in
  // apply. `replayed`: the table that is behind(), not the one that apply() changes.
  virtual Result<std::vector<ChangeSet::Stopped>> alter(const Alteration& alteration,
                                                        bool replayed) = 0;

  // Makes a collection of what a transformation makes of a mirror. It is recorded at once and
  // filled by tidy(), piece by piece. With `replace`, a derived collection of that name gets
  // another transformation; it shows its old rows until it is filled anew. 42P07 for a name that is
  // taken, 42P01 for a table that is not followed; and what Transformation::open() says.
  virtual Result<> derive(const ViewName& name, TableId table,
                          const transform::Definition& definition, bool replace) = 0;
  // Fills it again. False when there is no derived collection of that id.
  virtual Result<bool> refill(TableId derived) = 0;

  // Nothing happened on the source's tables up to `lsn`: queries may count it as seen. Not stored.
  virtual void advance(Lsn lsn) = 0;

  // Takes finished copies as the rows of their tables (replacing what was there), with their key
  // indexes, and sets each to `state`: Live when the applied position is the snapshot's or the
  // changes between were replayed, else CatchingUp (recorded, but not yet visible to queries). The
  // copy of a live table catches up unseen, and is not recorded, while the table is followed on.
  virtual Result<> attach(std::vector<std::unique_ptr<Copy>> copies, TableState state,
                          Lsn snapshot_lsn, Offset replay_from) = 0;

  // What replay() brings up to date, each with the offset it has reached: tables that were copied
  // later than others, or paused and resumed.
  virtual std::vector<TableRecord> behind() const = 0;
  // Applies changes to those only, without moving the source's position or making them visible, and
  // moves their replay_from to changes.applied.offset; then shows those in go_live (their replay
  // must have reached the applied position). Until then queries see what they saw before, if
  // anything. more_follows as in apply.
  virtual Result<std::vector<ChangeSet::Stopped>> replay(ChangeSet& changes, bool more_follows,
                                                         std::span<const TableId> go_live) = 0;

  // The source's stream begins anew, at `start`: its positions have nothing to do with those
  // before. Queries go on seeing the rows they see now, as of the position they see now, until
  // go_live().
  virtual Result<> begin_anew(const Applied& start) = 0;
  // Shows these catching-up tables, whose replay has reached the applied position, all in one
  // version, and ends what begin_anew() began.
  virtual Result<> go_live(std::span<const TableId> tables) = 0;

  // Rewrites segments with too many dead rows and merges small ones, a bounded piece of work per
  // call; drops segments that no reader can see. True when there is more to do.
  virtual Result<bool> tidy() = 0;
  // Folds the engine's write-ahead log into its file when it has grown enough; call when idle too.
  virtual Result<> checkpoint_if_due() = 0;
};

// A table being copied, by one loader or several at once: rows go straight into new segments, and
// the key index is built on the way. A copy is complete when each of its loaders has finished; one
// that no Writer attaches leaves nothing behind.
class Copy {
 public:
  virtual ~Copy() = default;
  // One more loader; any thread.
  virtual Result<std::unique_ptr<Loader>> loader() = 0;
  virtual std::uint64_t rows() const = 0;  // that were loaded so far
  virtual const TableSchema& schema() const = 0;
};

// Fills a segment with some rows of the table, no matter which. One thread. Destroyed without
// finish(), it takes its rows back, and the copy is worth nothing.
class Loader {
 public:
  virtual ~Loader() = default;
  // Columns in the schema's order, all of one size.
  virtual Result<> append(std::span<const Column> columns) = 0;
  // Makes the rows durable. They stay invisible until a Writer attaches the copy.
  virtual Result<> finish() = 0;
};

}  // namespace freshet::collection
