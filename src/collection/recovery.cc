// Opening: what is durable is read, what is derived from it is made again.
#include <fmt/core.h>

#include <algorithm>
#include <set>
#include <system_error>

#include "collection/journal.h"
#include "collection/state.h"

namespace freshet::collection {

namespace {

using Bits = std::unordered_map<SegmentId, SegmentBits>;

Error corruption(std::string message) {
  return {.fault = Fault::Corruption, .message = std::move(message)};
}

// The segments that exist; those nobody names are left from copies that were cut off.
Result<std::set<SegmentId>> drop_orphans(engine::Connection& connection,
                                         const Definitions& definitions, SegmentId& last) {
  std::set<SegmentId> named;
  for (const StoredTable& table : definitions.tables) {
    named.insert(table.segments.begin(), table.segments.end());
    named.insert(table.shown.begin(), table.shown.end());
  }
  std::set<SegmentId> existing;
  const auto rows = TRY(connection.query(
      "SELECT substr(table_name, 2) FROM duckdb_tables() WHERE database_name = 'store' AND "
      "schema_name = '_segments'"));
  for (const auto& row : rows) {
    const auto id = static_cast<SegmentId>(std::stoul(row[0].value_or("0")));
    last = std::max(last, id);
    if (named.contains(id)) {
      existing.insert(id);
    } else {
      TRY(drop_segment(connection, id));
    }
  }
  for (const SegmentId id : named) {
    if (!existing.contains(id)) return corruption(segment_name(id) + " is missing");
  }
  return existing;
}

// The numbers of one table, and a look whether its bits and rows fit together.
Result<TableNumbers> count(engine::Connection& connection, const StoredTable& table, Bits& dead) {
  std::vector<Segment> segments;
  const auto rows = TRY(count_rows(connection, table.segments));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const SegmentId id = table.segments[i];
    const auto bits = dead.find(id);
    const std::uint64_t dead_rows = bits == dead.end() ? 0 : bits->second.dead_count();
    if (bits != dead.end() && bits->second.dead_before(rows[i]) != dead_rows) {
      return corruption(
          fmt::format("{} has {} rows, and later ones are marked dead", segment_name(id), rows[i]));
    }
    segments.push_back({.id = id,
                        .rows = rows[i],
                        .committed_rows = rows[i],
                        .bits = bits == dead.end() ? SegmentBits() : bits->second});
  }
  return numbers_of({table.record.source, table.record.schema->id}, segments, 0);
}

}  // namespace

SegmentId Store::State::next_segment() {
  const SegmentId id = ++segment_last;
  CHECK(id <= segment_id_max);
  return id;
}

Result<> Store::State::ensure_schema(const std::string& schema) {
  return schemas.with([&](std::unique_ptr<engine::Connection>& connection) -> Result<> {
    if (!connection) connection = TRY(database->connect());
    return connection->execute("CREATE SCHEMA IF NOT EXISTS store." + engine::quoted(schema));
  });
}

TableNumbers numbers_of(TableKey key, std::span<const Segment> segments,
                        std::uint64_t index_bytes) {
  TableNumbers numbers{.source = key.source, .table = key.table};
  for (const Segment& segment : segments) {
    numbers.live_rows += segment.live_rows();
    numbers.dead_rows += segment.bits.dead_count();
    numbers.bitset_bytes += segment.bits.memory_bytes();
  }
  numbers.segments = segments.size();
  numbers.index_bytes = index_bytes;
  return numbers;
}

Result<std::shared_ptr<Store::State>> recover(const std::filesystem::path& folder,
                                              engine::DatabaseOptions options) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) return Error{.message = "create " + folder.string() + ": " + failed.message()};
  auto database = TRY(engine::Database::open(folder / "freshet.duckdb", options));
  const auto connection = TRY(database->connect());
  TRY(create_definitions(*connection));
  Definitions definitions = TRY(load_definitions(*connection));

  Recorded recorded;
  Version version;
  version.number = 1;
  Bits dead;
  SegmentId last = 0;
  for (SourceRecord& source : definitions.sources) {
    const JournalContent journal = TRY(read_journal(*connection, source.id, dead));
    last = std::max(last, journal.segment_max);
    source.applied = journal.applied;
    source.stale_at = journal.stale_at;
    Applied visible = source.applied;
    if (source.stale_at != Lsn{}) visible = {.lsn = source.stale_at, .offset = {}};
    version.set_applied(source.id, visible);
    recorded.sources.emplace(source.id, source);
  }
  const auto existing = TRY(drop_orphans(*connection, definitions, last));
  for (StoredTable& table : definitions.tables) {
    const TableKey key{table.record.source, table.record.schema->id};
    recorded.numbers[key] = TRY(count(*connection, table, dead));
    recorded.tables[key] = std::move(table);
  }
  std::vector<LiveRoot::Edit> edits;
  for (auto& [id, bits] : dead) {
    if (existing.contains(id)) edits.push_back({id, bits.share()});
  }
  version.root = version.root->with(edits);

  auto state = std::make_shared<Store::State>(
      std::move(database), std::move(definitions.installation), std::move(version));
  state->segment_last = last;
  state->checkpointed.with([](auto& at) { at = std::chrono::steady_clock::now(); });
  state->recorded.with([&](Recorded& empty) { empty = std::move(recorded); });
  return state;
}

}  // namespace freshet::collection
