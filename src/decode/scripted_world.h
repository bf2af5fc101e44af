// A decoder with tables to decode for, for the tests of this module.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "decode/pgoutput.h"
#include "decode/scripted_part.h"
#include "postgres/types.h"

namespace freshet::decode::scripted {

namespace oid = postgres::oid;

inline ColumnSchema column(std::string name, std::uint32_t pg_type, bool in_key = false) {
  return {.name = std::move(name),
          .type = postgres::type_for(pg_type, -1),
          .pg_type = pg_type,
          .in_key = in_key};
}

// orders(id int8 primary key, note text, total int4)
inline TableSchema orders(Identity identity = Identity::Key) {
  const bool keyed = identity == Identity::Key;
  return {TableId{501},
          "public",
          "orders",
          identity,
          {column("id", oid::int8, keyed), column("note", oid::text), column("total", oid::int4)}};
}
inline constexpr TableId orders_id{501};
inline constexpr TableId other_id{502};

inline std::unique_ptr<TableChanges> entry(TableSchema schema, Lsn skip_before = {}) {
  auto changes = std::make_unique<TableChanges>(std::make_shared<TableSchema>(std::move(schema)));
  changes->skip_before = skip_before;
  return changes;
}

// A decoder, the set it fills, and one table in it.
struct World {
  explicit World(TableSchema schema = orders()) {
    const TableId id = schema.id;
    set.tables[id] = entry(std::move(schema));
  }
  TableChanges& table(TableId id = orders_id) { return *set.tables.at(id); }
  // Follows an altered table no further.
  Result<> decode(const ScriptedPart& script) { return decode(script.part()); }
  Result<> decode(const TransactionPart& part) {
    while (const auto found = TRY(decoder.decode(part, set))) {
      altered.push_back(found->difference);
      set.tables.erase(found->schema->id);
    }
    return {};
  }
  bool decodes(const ScriptedPart& part) {
    const Result<> result = decode(part);
    EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().message);
    return result.ok();
  }
  std::string stop_reason() { return set.stopped.empty() ? "" : set.stopped.back().reason.message; }

  PgoutputDecoder decoder;
  ChangeSet set;
  std::vector<std::string> altered;
};

inline std::string corruption_of(const Result<>& result) {
  if (result.ok()) return "";
  EXPECT_EQ(result.error().fault, Fault::Corruption);
  return result.error().message;
}

}  // namespace freshet::decode::scripted
