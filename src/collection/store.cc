#include "collection/store.h"

#include <algorithm>

#include "base/failpoint.h"
#include "collection/copy.h"
#include "collection/journal.h"
#include "collection/rejects.h"
#include "collection/state.h"
#include "collection/view.h"

namespace freshet::collection {

namespace {

// Runs `action` in a transaction of a new connection.
template <typename Action>
Result<> in_transaction(Store::State& state, Action&& action) {
  const auto connection = TRY(state.database->connect());
  TRY(connection->begin());
  TRY(action(*connection));
  FAILPOINT("store.commit.before");
  TRY(connection->commit());
  FAILPOINT("store.commit.after");
  return {};
}

ViewName name_of(const TableSchema& schema) {
  return {schema.schema, schema.name};
}

Error unknown_source() {
  return {.sqlstate = "42704", .message = "the source is not known"};
}

}  // namespace

std::string_view to_string(TableState state) {
  switch (state) {
    case TableState::Waiting: return "waiting";
    case TableState::Copying: return "copying";
    case TableState::CatchingUp: return "catching_up";
    case TableState::Live: return "live";
    case TableState::Paused: return "paused";
    case TableState::Failed: return "failed";
  }
  return "";
}

Store::Store(std::shared_ptr<State> state) : state_(std::move(state)) {}
Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(const std::filesystem::path& folder,
                                           engine::DatabaseOptions options) {
  auto state = TRY(recover(folder, options).context("open store"));
  return std::unique_ptr<Store>(new Store(std::move(state)));
}

engine::Database& Store::database() {
  return *state_->database;
}

const std::string& Store::installation() const {
  return state_->installation;
}

std::vector<SourceRecord> Store::sources() const {
  return state_->recorded.with([](const Recorded& recorded) {
    std::vector<SourceRecord> sources;
    for (const auto& [id, source] : recorded.sources) sources.push_back(source);
    return sources;
  });
}

std::optional<SourceRecord> Store::find_source(std::string_view name) const {
  return state_->recorded.with([&](const Recorded& recorded) {
    for (const auto& [id, source] : recorded.sources) {
      if (source.name == name) return std::optional(source);
    }
    return std::optional<SourceRecord>();
  });
}

std::vector<TableRecord> Store::tables() const {
  return state_->recorded.with([](const Recorded& recorded) {
    std::vector<TableRecord> tables;
    for (const auto& [key, table] : recorded.tables) {
      if (table.derived()) continue;
      tables.push_back(table.record);
      tables.back().resuming = table.resuming();
      tables.back().replaced = recorded.incoming.contains(key);
    }
    return tables;
  });
}

std::vector<DerivedRecord> Store::derived() const {
  return state_->recorded.with([](const Recorded& recorded) {
    std::vector<DerivedRecord> all;
    for (const auto& [key, table] : recorded.tables) {
      if (!table.derived()) continue;
      all.push_back({.source = key.source,
                     .schema = table.record.schema,
                     .table = table.derivation->table,
                     .definition = table.derivation->definition,
                     .state = table.record.state,
                     .last_error = table.record.last_error});
    }
    return all;
  });
}

std::optional<TableRecord> Store::find_table(SourceId source, const ViewName& name) const {
  for (TableRecord& record : tables()) {
    if (record.source == source && name_of(*record.schema) == name) return std::move(record);
  }
  return std::nullopt;
}

std::optional<DerivedRecord> Store::find_derived(SourceId source, const ViewName& name) const {
  for (DerivedRecord& record : derived()) {
    if (record.source == source && name_of(*record.schema) == name) return std::move(record);
  }
  return std::nullopt;
}

Result<std::vector<RejectedRow>> Store::rejected() const {
  const auto connection = TRY(state_->database->connect({.progress = false}));
  return read_rejected(*connection);
}

std::vector<TableNumbers> Store::numbers() const {
  return state_->recorded.with([](const Recorded& recorded) {
    std::vector<TableNumbers> numbers;
    for (const auto& [key, each] : recorded.numbers) numbers.push_back(each);
    return numbers;
  });
}

Result<SourceRecord> Store::add_source(const std::string& name, const std::string& slot) {
  // Under the lock all the way, so that two of one name cannot come to be.
  return state_->recorded.with([&](Recorded& recorded) -> Result<SourceRecord> {
    SourceRecord source;
    source.id = SourceId{1};
    source.name = name;
    source.slot = slot;
    for (const auto& [id, each] : recorded.sources) {
      if (each.name == name) return each;
      source.id = SourceId{std::max(value(source.id), value(id) + 1)};
    }
    Result<> added = in_transaction(*state_, [&](engine::Connection& connection) -> Result<> {
      TRY(save_source(connection, source));
      return create_journal(connection, source.id);
    });
    TRY(std::move(added).context("add source"));
    recorded.sources.emplace(source.id, source);
    return source;
  });
}

Result<> Store::update_source(const SourceRecord& source) {
  return state_->recorded.with([&](Recorded& recorded) -> Result<> {
    const auto found = recorded.sources.find(source.id);
    if (found == recorded.sources.end()) return unknown_source();
    TRY(in_transaction(*state_, [&](engine::Connection& connection) {
          return save_source(connection, source);
        }).context("update source"));
    const Applied applied = found->second.applied;
    const Lsn stale_at = found->second.stale_at;
    found->second = source;
    found->second.applied = applied;
    found->second.stale_at = stale_at;
    return {};
  });
}

Result<> Store::drop_source(SourceId source) {
  // Like a Writer that removes every table, and then the source itself.
  const auto tables = state_->recorded.with([&](const Recorded& recorded) {
    std::vector<TableId> ids;
    for (const auto& [key, table] : recorded.tables) {
      if (key.source == source) ids.push_back(key.table);
    }
    return ids;
  });
  {
    const auto last_writer = TRY(writer(source));
    TRY(last_writer->remove_tables(tables));
  }
  Result<> dropped = in_transaction(*state_, [&](engine::Connection& connection) -> Result<> {
    TRY(erase_source(connection, source));
    return connection.execute("DROP TABLE store._meta." + journal_name(source));
  });
  TRY(std::move(dropped).context("drop source"));
  state_->recorded.with([&](Recorded& recorded) { recorded.sources.erase(source); });
  state_->versions.change_newest([&](Version& version) {
    std::erase_if(version.applied, [&](const auto& each) { return each.first == source; });
  });
  return {};
}

Result<std::unique_ptr<Reader>> Store::reader() {
  return make_reader(state_);
}

Result<std::unique_ptr<Writer>> Store::writer(SourceId source) {
  return make_writer(state_, source);
}

Result<std::unique_ptr<Copy>> Store::copy(SourceId /*source*/,
                                          std::shared_ptr<const TableSchema> schema,
                                          std::string catalog) {
  return SegmentCopy::start(state_, std::move(schema), std::move(catalog));
}

Applied Store::applied(SourceId source) const {
  return state_->recorded.with([&](const Recorded& recorded) {
    const auto found = recorded.sources.find(source);
    return found == recorded.sources.end() ? Applied{} : found->second.applied;
  });
}

Applied Store::visible(SourceId source) const {
  return state_->versions.newest()->applied_of(source);
}

bool Store::wait_visible(SourceId source, Lsn lsn, std::chrono::milliseconds limit,
                         std::stop_token stop) const {
  return state_->versions.wait_visible(source, lsn, limit, std::move(stop));
}

}  // namespace freshet::collection
