#include "server/prepare.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/failpoint.h"
#include "base/file.h"
#include "observe/log.h"
#include "postgres/types.h"
#include "server/mirrored_tables.h"
#include "server/slot_wait.h"
#include "source/ddl_trigger.h"
#include "source/doctor.h"
#include "source/mark.h"

namespace freshet::server {

namespace {

using collection::SourceRecord;
using collection::TableRecord;
using collection::TableState;
using postgres::CatalogTable;

// Longer than any lock is waited for. A network that swallows everything must not hold us for ever.
constexpr std::chrono::milliseconds answers_within{60'000};

Error permanent(std::string sqlstate, std::string message, std::string hint) {
  Error error;
  error.sqlstate = std::move(sqlstate);
  error.message = std::move(message);
  error.hint = std::move(hint);
  return error;
}

// What the doctor calls blocking, but for our slot and its position: whether they continue what we
// have is asked next, and answered better.
Result<> check_source(postgres::Connection& connection, const SourceConfig& config,
                      const collection::Store& store, std::stop_token stop) {
  const auto record = store.find_source(config.name);
  const std::vector<source::Finding> found =
      TRY(source::obstacles(connection, config.url,
                            {.source_name = config.name,
                             .tables = config.tables,
                             .choices = record ? record->choices : std::vector<std::string>(),
                             .protocol = config.protocol,
                             .resumes = record && record->slot_created,
                             .stop = std::move(stop)}));
  if (found.empty()) return {};
  Error first = source::to_error(found.front());
  for (std::size_t i = 1; i < found.size(); ++i) {
    first.detail += (first.detail.empty() ? "Also: " : " Also: ") + found[i].message + ".";
    if (!found[i].passes) first.fault = Fault::Permanent;
  }
  return first;
}

// Finds the record of the source, or makes one; refuses a slot that somebody else made.
Result<SourceRecord> find_or_add(const SourceConfig& config, collection::Store& store,
                                 const source::SlotStatus& slot, const source::Names& names) {
  if (auto record = store.find_source(config.name)) return *std::move(record);
  if (slot.exists) {
    return permanent(
        "42710", "replication slot " + names.slot + " exists already on the source",
        fmt::format("Another Freshet may be using it: give this source another name (--source "
                    "NAME=URL). If nobody does: SELECT pg_drop_replication_slot('{}');",
                    names.slot));
  }
  return store.add_source(config.name, names.slot);
}

// With the lease, a walsender of ours can only be a leftover.
Result<> take_over(postgres::Connection& connection, const source::Names& names,
                   const source::Owner& owner) {
  return source::take_over(connection, names.slot, [&](const std::string& application_name) {
    return owner.same_installation(application_name);
  });
}

Result<std::unique_ptr<snapshot::Snapshot>> create_slot(
    const SourceConfig& config, const source::Owner& owner, postgres::Connection& connection,
    const source::SlotStatus& slot, const Prepared& prepared,
    const std::vector<CatalogTable>& tables, Board& board, std::stop_token stop) {
  const source::Names& names = prepared.names;
  if (slot.exists) {
    // A crash came between making the slot and recording it; nothing was copied under it.
    TRY(take_over(connection, names, owner));
    FAILPOINT("prepare.drop_slot.before");
    TRY(connection.query("SELECT pg_drop_replication_slot(" + postgres::literal(names.slot) + ")"));
    FAILPOINT("prepare.drop_slot.after");
  }
  const source::LeaseKeeper keeper(connection);
  std::vector<const TableSchema*> waiting;
  for (const CatalogTable& table : tables) {
    if (table.why_not.empty()) waiting.push_back(&table.schema);
  }
  const SlotWait shown(config.url, waiting, board);
  return snapshot::Snapshot::create(config.url, {.slot = names.slot, .plugin = prepared.plugin},
                                    std::move(stop));
}

// Everything of the source that is durable here, or that queries have been told of.
Lsn known_end(const collection::Store& store, const SourceRecord& record,
              const stream::Stream& stream) {
  const Lsn end = std::max(stream.durable().lsn, store.applied(record.id).lsn);
  return record.stale_at == Lsn{} ? std::max(end, store.visible(record.id).lsn) : end;
}

Result<std::unique_ptr<stream::Stream>> open_stream(const std::filesystem::path& folder,
                                                    const collection::Store& store,
                                                    const SourceRecord& record) {
  auto stream = TRY(stream::Stream::open(folder, {}).context("open stream"));
  if (store.applied(record.id).offset <= stream->durable().offset) return stream;
  return Error{.fault = Fault::Corruption,
               .sqlstate = "XX001",
               .message = "the stream of source " + record.name + " ends before what was applied",
               .hint = fmt::format("Restore the folder {}. Or copy the tables again: ALTER SOURCE "
                                   "{} RESYNC;",
                                   folder.string(), record.name)};
}

// Whether the source can go on from where the stream ends.
Result<> check_continuity(const Prepared& prepared, const source::SlotStatus& slot,
                          postgres::Connection& replication) {
  TRY(source::check_system(prepared.known, prepared.system));
  TRY(source::check_slot(prepared.known, prepared.names, slot));
  TRY(source::check_timeline(prepared.known, prepared.system, replication));
  TRY(source::check_wal(prepared.known, prepared.system));
  return source::check_position(prepared.known, prepared.names, slot);
}

// What is left of an earlier beginning belongs to nobody any more.
Result<> remove_stream(const std::filesystem::path& folder) {
  std::error_code failed;
  std::filesystem::remove_all(folder, failed);
  if (failed) return io_error("remove", folder, failed.value());
  return {};
}

// Makes what is recorded fit what the source has now: new tables wait for their copy, and so do all
// when the source is begun anew; tables that are no longer wanted go; tables that were dropped
// stay, marked failed.
Result<> reconcile(collection::Store& store, collection::Writer& writer,
                   const SourceRecord& source_record, const std::vector<CatalogTable>& tables,
                   const postgres::TablePatterns& patterns) {
  const SourceId source = source_record.id;
  const bool anew = !source_record.slot_created;
  std::map<TableId, const CatalogTable*> present;
  std::map<std::string, TableId> names;
  for (const CatalogTable& table : tables) {
    present[table.schema.id] = &table;
    names[table.schema.qualified_name()] = table.schema.id;
  }
  std::vector<TableRecord> put;
  std::vector<TableId> remove;
  for (TableRecord& record : store.tables()) {
    if (record.source != source) continue;
    const TableId id = record.schema->id;
    const auto found = present.find(id);
    if (found == present.end()) {
      const bool replaced = names.contains(record.schema->qualified_name());
      if (replaced || !patterns.match(record.schema->schema, record.schema->name)) {
        remove.push_back(id);
      } else if (record.state != TableState::Failed) {
        mark_dropped(record);
        put.push_back(std::move(record));
      }
      continue;
    }
    // Those that have rows are followed on: what was altered meanwhile is in the stream, or is told
    // by the catalog's watch.
    const bool followed = record.state == TableState::Live ||
                          record.state == TableState::CatchingUp ||
                          record.state == TableState::Paused;
    const bool other = !followed && found->second->schema != *record.schema;
    if (anew || other || record.state == TableState::Copying) {
      TableRecord fresh = record_for(source, *found->second);
      fresh.widened = std::move(record.widened);
      put.push_back(std::move(fresh));
    }
    present.erase(found);
  }
  for (const auto& [id, table] : present) put.push_back(record_for(source, *table));
  if (!remove.empty()) TRY(writer.remove_tables(remove));
  if (!put.empty()) TRY(writer.put_tables(put));
  return {};
}

bool all_binary(const TableSchema& schema) {
  return std::ranges::all_of(
      schema.columns, [](const ColumnSchema& column) { return postgres::has_binary_form(column); });
}

// As they are on the source, and as we know them: the rows that come first are of that shape.
bool all_binary(const std::vector<CatalogTable>& tables, const collection::Store& store,
                const SourceRecord& source) {
  return std::ranges::all_of(tables, [](const auto& table) { return all_binary(table.schema); }) &&
         std::ranges::all_of(store.tables(), [&](const TableRecord& record) {
           return record.source != source.id || all_binary(*record.schema);
         });
}

void announce(Board& board, const SourceConfig& config, const Prepared& prepared) {
  board.with([&](SourceFacts& facts) {
    const std::string slot = prepared.first_snapshot
                                 ? fmt::format("slot {} created at {}", prepared.names.slot,
                                               to_string(prepared.first_snapshot->lsn()))
                                 : fmt::format("slot {}, going on at {}", prepared.names.slot,
                                               to_string(prepared.record.applied.lsn));
    facts.news.push_back(fmt::format("source {}: {}, wal_level=logical, {}", config.name,
                                     facts.server_version, slot));
    facts.ever_connected = true;
  });
}

Result<> care_for_triggers(const SourceConfig& config, postgres::Connection& connection,
                           const source::Names& names) {
  if (config.event_trigger) return source::make_ddl_triggers(connection, names);
  const Result<> dropped = source::drop_ddl_triggers(connection, names);
  if (!dropped.ok()) {
    observe::warn("event triggers are left on the source",
                  {{"reason", dropped.error().message}, {"hint", dropped.error().hint}});
  }
  return {};
}

// What the source is to send, and whose that is.
Result<> publish(const SourceConfig& config, postgres::Connection& connection,
                 const source::Names& names, const std::vector<CatalogTable>& tables,
                 const collection::Store& store) {
  TRY(source::publish(connection, names, tables));
  FAILPOINT("prepare.publish.after");
  TRY(source::mark(connection, names, store.installation()));
  return care_for_triggers(config, connection, names);
}

// From here on a restart goes on with this server, and with the slot if it was made just now.
Result<> record_beginning(Prepared& prepared, collection::Store& store) {
  prepared.record.system_id = prepared.system.id;
  prepared.record.timeline = prepared.system.timeline;
  if (prepared.first_snapshot) {
    const Applied start{.lsn = prepared.first_snapshot->lsn(), .offset = {}};
    TRY(prepared.writer->begin_anew(start));
    prepared.record.applied = start;
    prepared.record.slot_created = true;
    prepared.known = {.source = prepared.record.name, .end = start.lsn, .plugin = prepared.plugin};
    FAILPOINT("prepare.record_slot.before");
  }
  TRY(store.update_source(prepared.record));
  FAILPOINT("prepare.record_source.after");
  return {};
}

}  // namespace

Result<Prepared> prepare(const SourceConfig& config, const std::filesystem::path& streams,
                         const source::Owner& owner, collection::Store& store, Board& board,
                         std::stop_token stop) {
  auto connection = TRY(postgres::Connection::connect(
      config.url, {.application_name = owner.application_name(), .stop = stop}));
  connection->limit_answers(stop, answers_within);
  board.with([&](SourceFacts& facts) {
    facts.server_version = "PostgreSQL " + connection->parameter("server_version");
  });
  TRY(check_source(*connection, config, store, stop));
  const postgres::TablePatterns patterns =
      TRY(patterns_of(config, store.find_source(config.name).value_or(SourceRecord{})));
  const int version = connection->server_version();
  const postgres::Plugin plugin = plugin_for(config, version);
  const bool pgoutput = plugin == postgres::Plugin::Pgoutput;
  std::vector<CatalogTable> tables = TRY(postgres::read_tables(*connection, patterns, plugin));

  Prepared prepared;
  prepared.names = source::names_for(config.name);
  prepared.plugin = plugin;
  source::SlotStatus slot = TRY(source::slot_status(*connection, prepared.names.slot));
  prepared.record = TRY(find_or_add(config, store, slot, prepared.names));
  widen(tables, store.tables(), prepared.record.id);
  prepared.binary = pgoutput && version >= 140000 && all_binary(tables, store, prepared.record);
  FAILPOINT("prepare.add_source.after");
  TRY(source::take_lease(*connection, prepared.names, owner));
  auto replication =
      TRY(postgres::Connection::connect(config.url, {.replication = true, .stop = stop}));
  replication->limit_answers(stop, answers_within);
  prepared.system = TRY(postgres::identify(*replication));
  const std::filesystem::path folder = streams / config.name;
  const bool resumed = prepared.record.slot_created;
  if (resumed) {
    prepared.stream = TRY(open_stream(folder, store, prepared.record));
    prepared.known = {.source = config.name,
                      .system_id = prepared.record.system_id,
                      .timeline = prepared.record.timeline,
                      .end = known_end(store, prepared.record, *prepared.stream),
                      .plugin = prepared.plugin};
    TRY(check_continuity(prepared, slot, *replication));
  }
  replication.reset();
  // Before anything is changed: a slot that is in the way may be dropped only when it is ours.
  if (!resumed && slot.exists) {
    TRY(source::check_slot_kind(prepared.names, slot, plugin));
    TRY(source::check_mark(*connection, prepared.names, store.installation()));
  }
  if (pgoutput) TRY(publish(config, *connection, prepared.names, tables, store));
  if (resumed) {
    TRY(take_over(*connection, prepared.names, owner));
  } else {
    prepared.first_snapshot =
        TRY(create_slot(config, owner, *connection, slot, prepared, tables, board, stop));
    FAILPOINT("prepare.create_slot.after");
    TRY(remove_stream(folder));
    prepared.stream = TRY(stream::Stream::open(folder, {}).context("open stream"));
  }

  prepared.writer = TRY(store.writer(prepared.record.id));
  TRY(reconcile(store, *prepared.writer, prepared.record, tables, patterns));
  FAILPOINT("prepare.reconcile.after");
  TRY(record_beginning(prepared, store));
  prepared.control = std::move(connection);
  announce(board, config, prepared);
  return prepared;
}

}  // namespace freshet::server
