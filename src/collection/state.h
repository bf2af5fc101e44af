// The insides of a Store, shared by its readers, writers and copies.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/guarded.h"
#include "collection/definitions.h"
#include "collection/segment.h"
#include "collection/store.h"
#include "collection/versions.h"
#include "engine/connection.h"
#include "engine/database.h"

namespace freshet::collection {

// Which table of which source.
struct TableKey {
  SourceId source{};
  TableId table{};
  friend auto operator<=>(const TableKey&, const TableKey&) = default;
};

// What is recorded, as committed, with numbers. Only the source's Writer changes its tables.
struct Recorded {
  std::map<SourceId, SourceRecord> sources;
  std::map<TableKey, StoredTable> tables;
  std::map<TableKey, TableNumbers> numbers;
  std::set<SourceId> writers;   // sources that have one
  std::set<TableKey> incoming;  // tables that have another catching up unseen; not durable
};

// Segments that no view names any more. Readers of versions below `version` may still use them.
struct Retired {
  std::uint64_t version = 0;
  std::vector<SegmentId> segments;
};

struct Store::State {
  State(std::unique_ptr<engine::Database> opened, std::string its_installation, Version first)
      : database(std::move(opened)),
        installation(std::move(its_installation)),
        versions(std::move(first)) {}

  std::unique_ptr<engine::Database> database;
  const std::string installation;
  Versions versions;
  Guarded<Recorded> recorded;
  Guarded<std::vector<Retired>> retired;
  std::atomic<SegmentId> segment_last{0};                // ids are never given twice
  Guarded<std::unique_ptr<engine::Connection>> schemas;  // creates schemas, on its own
  Guarded<std::chrono::steady_clock::time_point> checkpointed;

  SegmentId next_segment();
  // In a transaction of its own: writers of two sources that created one schema inside theirs would
  // fail each other.
  Result<> ensure_schema(const std::string& schema);
};

// What an opened folder is rebuilt from; see recovery.cc.
Result<std::shared_ptr<Store::State>> recover(const std::filesystem::path& folder,
                                              engine::DatabaseOptions options);

Result<std::unique_ptr<Reader>> make_reader(std::shared_ptr<Store::State> state);
Result<std::unique_ptr<Writer>> make_writer(std::shared_ptr<Store::State> state, SourceId source);

TableNumbers numbers_of(TableKey key, std::span<const Segment> segments, std::uint64_t index_bytes);

}  // namespace freshet::collection
