#include "server/alter_collection.h"

#include <fmt/core.h>

#include <optional>

#include "observe/log.h"
#include "server/derived_collections.h"

namespace freshet::server {

namespace {

using collection::TableRecord;
using collection::TableState;
using Action = query::AlterCollection::Action;

Error refusal(const TableRecord& record, std::string_view what, std::string hint) {
  return {.sqlstate = "55000",
          .message = fmt::format("collection {} is {}, so it cannot be {}",
                                 record.schema->qualified_name(), to_string(record.state), what),
          .detail = record.last_error,
          .hint = std::move(hint)};
}

Notes note(const TableRecord& record, std::string_view state) {
  return {{.sqlstate = "01000",
           .message =
               fmt::format("collection {} is {} already", record.schema->qualified_name(), state)}};
}

// The new record, or nothing when it is as asked for already.
Result<std::optional<TableRecord>> paused(TableRecord record, Offset applied) {
  // A table that has gone on from a pause, but is not there yet, goes back to where it was.
  if (record.state == TableState::Paused) return std::optional<TableRecord>();
  if (record.state != TableState::Live && !record.resuming) {
    return refusal(record, "paused", "Only a live collection can be paused.");
  }
  if (record.state == TableState::Live) record.replay_from = applied;
  record.state = TableState::Paused;
  record.resync = false;
  return std::optional(std::move(record));
}

Result<std::optional<TableRecord>> resumed(TableRecord record) {
  if (record.state == TableState::Live || record.state == TableState::CatchingUp) {
    return std::optional<TableRecord>();
  }
  if (record.state != TableState::Paused) {
    return refusal(record, "resumed",
                   record.state == TableState::Failed
                       ? "ALTER COLLECTION … RESYNC copies it again."
                       : "It goes live by itself; see freshet.progress.");
  }
  record.state = TableState::CatchingUp;
  return std::optional(std::move(record));
}

Result<std::optional<TableRecord>> resynced(TableRecord record) {
  switch (record.state) {
    case TableState::Waiting:
    case TableState::Copying: return std::optional<TableRecord>();
    case TableState::Live:
      if (record.resync) return std::optional<TableRecord>();
      record.resync = true;
      return std::optional(std::move(record));
    case TableState::CatchingUp:
    case TableState::Paused:
    case TableState::Failed:
      record.state = TableState::Waiting;
      record.last_error.clear();
      return std::optional(std::move(record));
  }
  return std::optional<TableRecord>();
}

std::string_view state_after(Action action) {
  switch (action) {
    case Action::Pause: return "paused";
    case Action::Resume: return "followed";
    case Action::Resync: return "on its way to a new copy";
  }
  return "";
}

}  // namespace

Result<Altered> alter_collection(const query::AlterCollection& asked,
                                 const collection::Store& store, SourceId source,
                                 collection::Writer& writer, Offset applied) {
  const collection::ViewName name{asked.schema, asked.name.text};
  const std::optional<TableRecord> before = store.find_table(source, name);
  if (!before) {
    if (const auto derived = store.find_derived(source, name)) {
      return Altered{.notes = TRY(refill_collection(asked, *derived, writer))};
    }
    return Error{.sqlstate = "42P01",
                 .message = fmt::format("collection \"{}.{}\" does not exist", asked.schema,
                                        asked.name.text),
                 .position = asked.name.position};
  }
  std::optional<TableRecord> after;
  switch (asked.action) {
    case Action::Pause: after = TRY(paused(*before, applied)); break;
    case Action::Resume: after = TRY(resumed(*before)); break;
    case Action::Resync: after = TRY(resynced(*before)); break;
  }
  if (!after) return Altered{.notes = note(*before, state_after(asked.action))};
  TRY(writer.put_tables(std::span(&*after, 1)));
  observe::info("collection altered", {{"table", after->schema->qualified_name()},
                                       {"from", to_string(before->state)},
                                       {"to", to_string(after->state)},
                                       {"resync", after->resync}});
  return Altered{.notes = {}, .copy_wanted = after->state == TableState::Waiting || after->resync};
}

Result<Altered> run_command(const query::Command& command, const collection::Store& store,
                            SourceId source, collection::Writer& writer, Offset applied) {
  if (const auto* created = std::get_if<query::CreateCollection>(&command)) {
    return Altered{.notes = TRY(create_collection(*created, store, source, writer))};
  }
  if (const auto* dropped = std::get_if<query::DropCollection>(&command)) {
    return Altered{.notes = TRY(drop_collection(*dropped, store, source, writer))};
  }
  return alter_collection(std::get<query::AlterCollection>(command), store, source, writer,
                          applied);
}

}  // namespace freshet::server
