// For tests: a store with a few collections in it, and a status that says what a test wants.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "collection/scratch_store.h"
#include "query/commands.h"
#include "query/relations.h"
#include "query/session.h"
#include "query/status.h"

namespace freshet::query {

class ScratchStatus final : public Status {
 public:
  std::vector<SourceStatus> all_sources;
  std::vector<TableStatus> all_tables;
  std::vector<ProgressStatus> all_progress;
  Guarded<Lsn> visible;

  std::vector<SourceStatus> sources() const override { return all_sources; }
  std::vector<TableStatus> tables() const override { return all_tables; }
  std::vector<ProgressStatus> progress() const override { return all_progress; }
  Result<> wait_visible(Lsn lsn, std::chrono::milliseconds limit,
                        std::stop_token stop) const override {
    auto& waited = const_cast<Guarded<Lsn>&>(visible);
    if (waited.wait_for(stop, limit, [&](const Lsn& now) { return lsn <= now; })) return {};
    if (stop.stop_requested()) return Error{.sqlstate = "57014", .message = "canceled"};
    return Error{.sqlstate = "55000", .message = "not visible in time"};
  }
  std::vector<std::string> not_ready() const override { return {}; }
};

// Remembers what it was asked for.
class ScratchCommands final : public Commands {
 public:
  std::vector<Command> asked;
  std::vector<Error> notes;

  Result<std::vector<Error>> run(const Command& command, std::stop_token /*stop*/) override {
    asked.push_back(command);
    return notes;
  }
};

inline ColumnSchema scratch_column(std::string name, Type type, std::uint32_t pg_type,
                                   std::int32_t typmod = -1, bool in_key = false,
                                   bool not_null = false) {
  ColumnSchema column;
  column.name = std::move(name);
  column.type = type;
  column.pg_type = pg_type;
  column.pg_typmod = typmod;
  column.in_key = in_key;
  column.not_null = not_null;
  return column;
}

// public.orders: id bigint primary key, name varchar(20) not null, total numeric(12,2), placed
// timestamptz, tags text[]; three rows. public.numbers: id integer primary key, even boolean; as
// many rows as asked for. And public.arriving, which is still being copied.
class ScratchWorld {
 public:
  static constexpr std::int64_t placed = 1'704'164'645'500'000;  // 2024-01-02 03:04:05.5 UTC

  explicit ScratchWorld(std::int32_t numbers = 10'000) {
    add_orders();
    add_numbers(numbers);
    status.all_tables = {{.source = "shop",
                          .schema = "public",
                          .name = "orders",
                          .state = "live",
                          .rows = 3,
                          .dead_rows = 0,
                          .applied_lsn = Lsn{0x5A3F1C8},
                          .lag_ms = 2,
                          .lag_bytes = 0,
                          .last_error = "",
                          .copied_lsn = Lsn{0x5A3F000}},
                         {.source = "shop",
                          .schema = "public",
                          .name = "arriving",
                          .state = "copying",
                          .rows = 0,
                          .dead_rows = 0,
                          .applied_lsn = {},
                          .lag_ms = {},
                          .lag_bytes = {},
                          .last_error = "",
                          .copied_lsn = {}}};
    SourceStatus source;
    source.name = "shop";
    source.state = "live";
    source.applied = Lsn{0x5A3F1C8};
    status.all_sources = {source};
    ProgressStatus progress;
    progress.source = "shop";
    progress.schema = "public";
    progress.name = "arriving";
    progress.phase = "copying";
    status.all_progress = {progress};
  }

  collection::Store& store() { return *scratch.store; }

  ScratchStatus status;
  ScratchCommands commands;
  collection::ScratchStore scratch;

 private:
  void attach(std::unique_ptr<collection::Copy> copy, std::span<const Column> rows) {
    const auto loader = collection::must(copy->loader());
    collection::must(loader->append(rows));
    collection::must(loader->finish());
    std::vector<std::unique_ptr<collection::Copy>> copies;
    copies.push_back(std::move(copy));
    collection::must(
        scratch.writer->attach(std::move(copies), collection::TableState::Live, Lsn{1}, Offset{0}));
  }

  // As PostgreSQL does: in their order, from 1.
  static void number(std::vector<ColumnSchema>& columns) {
    std::int16_t attnum = 0;
    for (ColumnSchema& column : columns) column.attnum = ++attnum;
  }

  void add_orders() {
    TableSchema schema;
    schema.id = TableId{20001};
    schema.schema = "public";
    schema.name = "orders";
    schema.columns = {
        scratch_column("id", {.kind = TypeKind::Int64}, 20, -1, true, true),
        scratch_column("name", {.kind = TypeKind::Text}, 1043, 24, false, true),
        scratch_column("total", {.kind = TypeKind::Decimal, .precision = 12, .scale = 2}, 1700,
                       (12 << 16 | 2) + 4),
        scratch_column("placed", {.kind = TypeKind::TimestampTz}, 1184),
        scratch_column("tags", {.kind = TypeKind::List, .element = TypeKind::Text}, 1009)};
    number(schema.columns);
    auto copy = collection::must(
        scratch.store->copy(scratch.source, std::make_shared<const TableSchema>(schema)));
    std::vector<Column> columns;
    for (const ColumnSchema& column : schema.columns) columns.emplace_back(column.type);
    const char* names[] = {"tea", "jam \"and\" bread", "salt"};
    for (std::int64_t id = 1; id <= 3; ++id) {
      columns[0].append(id);
      columns[1].append_string(names[id - 1]);
      columns[2].append(std::int64_t{id * 1050});
      columns[3].append(placed + id * 1'000'000);
      columns[4].child().append_string("new");
      columns[4].append(ListRef{static_cast<std::uint64_t>(id - 1), 1});
    }
    attach(std::move(copy), columns);
  }

  void add_numbers(std::int32_t count) {
    TableSchema schema;
    schema.id = TableId{20002};
    schema.schema = "public";
    schema.name = "numbers";
    schema.columns = {scratch_column("id", {.kind = TypeKind::Int32}, 23, -1, true, true),
                      scratch_column("even", {.kind = TypeKind::Bool}, 16)};
    number(schema.columns);
    auto copy = collection::must(
        scratch.store->copy(scratch.source, std::make_shared<const TableSchema>(schema)));
    std::vector<Column> columns;
    for (const ColumnSchema& column : schema.columns) columns.emplace_back(column.type);
    for (std::int32_t id = 1; id <= count; ++id) {
      columns[0].append(id);
      columns[1].append(static_cast<std::uint8_t>(id % 2 == 0));
    }
    attach(std::move(copy), columns);
  }
};

}  // namespace freshet::query
