// For tests and benches: a store in a folder that goes with it, and changes written like sentences.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "collection/store.h"

namespace freshet::collection {

// The value, or the end of the program.
template <typename T>
T must(Result<T> result) {
  if (!result.ok()) {
    std::fprintf(stderr, "%s %s\n", result.error().message.c_str(), result.error().detail.c_str());
    CHECK(result.ok());
  }
  return std::move(result).value();
}

class ScratchFolder {
 public:
  ScratchFolder() {
    static std::atomic<int> made{0};
    path_ = std::filesystem::temp_directory_path() /
            ("freshet-store-" + std::to_string(getpid()) + "-" + std::to_string(++made));
    std::filesystem::create_directories(path_);
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline std::unique_ptr<Store> open_store(const ScratchFolder& folder) {
  return must(Store::open(folder.path(), {.memory_bytes_max = 1ULL << 30, .threads = 2}));
}

// "id:int64 key", "note:text" …
struct ColumnSpec {
  std::string name{};
  Type type{};
  bool in_key = false;
  std::uint32_t pg_type = 0;
};

inline std::shared_ptr<const TableSchema> make_schema(std::uint32_t id, const std::string& name,
                                                      std::vector<ColumnSpec> columns,
                                                      Identity identity = Identity::Key,
                                                      const std::string& schema = "public") {
  auto made = std::make_shared<TableSchema>();
  made->id = TableId{id};
  made->schema = schema;
  made->name = name;
  made->identity = identity;
  std::int16_t attnum = 0;
  for (ColumnSpec& column : columns) {
    ColumnSchema& added = made->columns.emplace_back();
    added.name = column.name;
    added.type = column.type;
    added.pg_type = column.pg_type;
    added.attnum = ++attnum;
    added.in_key = column.in_key || identity == Identity::Full;
  }
  return made;
}

inline constexpr Type int64_type{.kind = TypeKind::Int64};
inline constexpr Type text_type{.kind = TypeKind::Text};

// id bigint primary key, value bigint, note text.
inline std::shared_ptr<const TableSchema> simple_schema(std::uint32_t id, const std::string& name,
                                                        Identity identity = Identity::Key) {
  return make_schema(id, name,
                     {{.name = "id", .type = int64_type, .in_key = identity == Identity::Key},
                      {.name = "value", .type = int64_type},
                      {.name = "note", .type = text_type}},
                     identity);
}

// A row of simple_schema.
struct Row {
  std::int64_t id = 0;
  std::int64_t value = 0;
  std::optional<std::string> note{};
  bool note_unchanged = false;
  friend auto operator<=>(const Row&, const Row&) = default;
};

// A ChangeSet of tables of simple_schema.
class Batch {
 public:
  explicit Batch(const std::vector<std::shared_ptr<const TableSchema>>& schemas) {
    for (const auto& schema : schemas) {
      changes.tables.emplace(schema->id, std::make_unique<TableChanges>(schema));
    }
  }

  Batch& insert(std::uint32_t table, const Row& row) {
    return add(table, {.op = Op::Insert, .row = new_row(table, row)});
  }
  // By the row's own key.
  Batch& update(std::uint32_t table, const Row& row) {
    return add(table, {.op = Op::Update, .row = new_row(table, row)});
  }
  // By the key, or the whole old row, of `old`.
  Batch& update(std::uint32_t table, const Row& old, const Row& row) {
    const std::uint32_t named = old_row(table, old);
    return add(table, {.op = Op::Update, .row = new_row(table, row), .old = named});
  }
  Batch& erase(std::uint32_t table, const Row& old) {
    return add(table, {.op = Op::Delete, .old = old_row(table, old)});
  }
  Batch& truncate(std::uint32_t table) { return add(table, {.op = Op::Truncate}); }
  Batch& at(std::uint64_t lsn) {
    changes.applied = {.lsn = {lsn}, .offset = {lsn * 10}, .commit_time = {}};
    return *this;
  }
  TableChanges& table(std::uint32_t id) { return *changes.tables.at(TableId{id}); }

  ChangeSet changes;

 private:
  Batch& add(std::uint32_t id, const Change& change) {
    table(id).changes.push_back(change);
    ++changes.change_count;
    return *this;
  }
  void append_note(Column& column, const Row& row) {
    if (row.note_unchanged) {
      column.append_unchanged();
    } else if (row.note) {
      column.append_string(changes.arena.keep(*row.note));
    } else {
      column.append_null();
    }
  }
  std::uint32_t new_row(std::uint32_t id, const Row& row) {
    auto& rows = table(id).rows;
    rows[0].append(row.id);
    rows[1].append(row.value);
    append_note(rows[2], row);
    return static_cast<std::uint32_t>(rows[0].size() - 1);
  }
  std::uint32_t old_row(std::uint32_t id, const Row& row) {
    auto& old = table(id).old;
    old[0].append(row.id);
    if (old.size() == 3) {
      old[1].append(row.value);
      append_note(old[2], row);
    }
    return static_cast<std::uint32_t>(old[0].size() - 1);
  }
};

// What a query of its own version sees, in order.
inline std::vector<Row> rows_of(Reader& reader, const std::string& table) {
  std::vector<Row> rows;
  const auto result = reader.connection().query("SELECT id, value, note FROM store.public." +
                                                engine::quoted(table) + " ORDER BY ALL");
  for (const auto& row : must(Result(result))) {
    rows.push_back({std::stoll(row[0].value_or("0")), std::stoll(row[1].value_or("0")), row[2]});
  }
  std::ranges::sort(rows);
  return rows;
}

inline std::vector<Row> rows_of(Store& store, const std::string& table) {
  const auto reader = must(store.reader());
  must(reader->begin());
  return rows_of(*reader, table);
}

inline TableRecord live_record(SourceId source, std::shared_ptr<const TableSchema> schema) {
  TableRecord record;
  record.source = source;
  record.schema = std::move(schema);
  record.state = TableState::Live;
  return record;
}

// A store with one source and its writer, and live tables.
struct ScratchStore {
  explicit ScratchStore(std::vector<std::shared_ptr<const TableSchema>> tables = {})
      : schemas(std::move(tables)) {
    store = open_store(folder);
    source = must(store->add_source("shop", "freshet_shop")).id;
    writer = must(store->writer(source));
    std::vector<TableRecord> records;
    for (const auto& schema : schemas) records.push_back(live_record(source, schema));
    must(writer->put_tables(records));
  }
  Batch batch() const { return Batch(schemas); }
  std::vector<ChangeSet::Stopped> apply(Batch& changes, bool more_follows = false) {
    if (changes.changes.applied.lsn.value == 0) changes.at(++lsn);
    return must(writer->apply(changes.changes, more_follows));
  }
  std::vector<Row> rows(const std::string& table) { return rows_of(*store, table); }
  // As after a crash: nothing is closed in order but what a destructor closes.
  void reopen() {
    writer.reset();
    store.reset();
    store = open_store(folder);
    writer = must(store->writer(source));
  }

  ScratchFolder folder;
  std::vector<std::shared_ptr<const TableSchema>> schemas;
  std::unique_ptr<Store> store;
  SourceId source{};
  std::unique_ptr<Writer> writer;
  std::uint64_t lsn = 0;
};

}  // namespace freshet::collection
