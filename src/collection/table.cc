#include "collection/table.h"

#include <fmt/core.h>

#include "engine/read_columns.h"
#include "engine/statement.h"

namespace freshet::collection {

namespace {

Error two_rows(const TableSchema& schema) {
  return {
      .sqlstate = "23505",
      .message = fmt::format("table {} has two rows with the same key", schema.qualified_name()),
      .hint = "Check the replica identity of the table on the source, then copy it again."};
}

// The identity columns of a batch of rows, whose place `location_of(row)` tells. `mutex`: of an
// index that others fill too.
template <typename LocationOf>
Result<> add_keys(RowIndex& index, std::mutex* mutex, RowKeys& keys, const TableSchema& schema,
                  std::span<const Column* const> identity, LocationOf&& location_of) {
  const auto locked = [&] {
    return mutex == nullptr ? std::unique_lock<std::mutex>() : std::unique_lock(*mutex);
  };
  const auto add_unique = [&](auto& map, const auto& made) -> Result<> {
    const auto lock = locked();
    for (std::size_t row = 0; row < made.size(); ++row) {
      const std::optional<Location> location = location_of(row);
      if (location && map.put(made[row], *location)) return two_rows(schema);
    }
    return {};
  };
  if (auto* integers = std::get_if<IntegerIndex>(&index)) {
    return add_unique(*integers, keys.integers(*identity.front()));
  }
  if (auto* hashes = std::get_if<HashIndex>(&index)) {
    return add_unique(*hashes, keys.hashes(identity));
  }
  if (auto* multi = std::get_if<MultiIndex>(&index)) {
    const auto made = keys.hashes(identity);
    const auto lock = locked();
    for (std::size_t row = 0; row < made.size(); ++row) {
      if (const std::optional<Location> location = location_of(row))
        multi->add(made[row], *location);
    }
  }
  return {};
}

std::vector<const Column*> pointers(const std::vector<Column>& columns) {
  std::vector<const Column*> result;
  for (const Column& column : columns) result.push_back(&column);
  return result;
}

}  // namespace

RowIndex empty_index(const TableSchema& schema) {
  switch (schema.identity) {
    case Identity::None: return std::monostate{};
    case Identity::Full: return MultiIndex{};
    case Identity::Key: break;
  }
  if (has_integer_key(schema)) return IntegerIndex{};
  return HashIndex{};
}

std::uint64_t memory_bytes(const RowIndex& index) {
  return std::visit(
      [](const auto& map) -> std::uint64_t {
        if constexpr (std::is_same_v<std::decay_t<decltype(map)>, std::monostate>)
          return 0;
        else
          return map.memory_bytes();
      },
      index);
}

Result<> add_rows(RowIndex& index, std::mutex& mutex, RowKeys& keys, const TableSchema& schema,
                  std::span<const Column> columns, Location first) {
  std::vector<const Column*> identity;
  for (const std::size_t ordinal : schema.identity_columns()) identity.push_back(&columns[ordinal]);
  return add_keys(index, &mutex, keys, schema, identity,
                  [&](std::size_t row) { return Location(first.segment(), first.row() + row); });
}

Result<RowIndex> build_index(engine::Connection& connection, const Table& table) {
  RowIndex index = empty_index(table.schema());
  if (std::holds_alternative<std::monostate>(index)) return index;
  RowKeys keys(table.schema());
  std::vector<Column> identity;
  for (const std::size_t ordinal : table.schema().identity_columns()) {
    identity.emplace_back(table.schema().columns[ordinal].type);
  }
  for (const Segment& segment : table.segments) {
    std::string select = "SELECT rowid";
    for (const std::size_t ordinal : table.schema().identity_columns()) {
      select += ", " +
                column_in(*segment.layout, table.schema().columns[ordinal], table.stored.constants);
    }
    const auto statement = TRY(connection.prepare(select + " FROM " + segment_table(segment.id)));
    const auto stream = TRY(statement->execute());
    while (const auto chunk = TRY(stream->next())) {
      for (std::size_t i = 0; i < identity.size(); ++i) {
        identity[i].clear();
        engine::append_all(identity[i], chunk->column(i + 1), chunk->size());
      }
      const auto* rows = static_cast<const std::int64_t*>(chunk->column(0).data());
      TRY(add_keys(index, nullptr, keys, table.schema(), pointers(identity),
                   [&](std::size_t i) -> std::optional<Location> {
                     const auto row = segment.row_of(static_cast<std::uint64_t>(rows[i]));
                     if (segment.bits.is_dead(row)) return std::nullopt;
                     return Location(segment.id, row);
                   })
              .context("build key index"));
    }
  }
  return index;
}

}  // namespace freshet::collection
