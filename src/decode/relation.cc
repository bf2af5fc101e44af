#include "decode/relation.h"

#include <fmt/core.h>

#include <algorithm>
#include <string_view>

#include "postgres/values.h"

namespace freshet::decode {

namespace {

std::string_view name_of(Identity identity) {
  switch (identity) {
    case Identity::Key: return "a key";
    case Identity::Full: return "the full row";
    case Identity::None: return "nothing";
  }
  return "nothing";
}

template <typename Columns>
bool has(const Columns& columns, std::string_view name) {
  return std::any_of(columns.begin(), columns.end(),
                     [&](const auto& column) { return column.name == name; });
}

// The first column name that one has and the other has not, or a change of order.
std::string difference_of_names(const TableSchema& schema, const Relation& relation) {
  const std::size_t common = std::min(schema.columns.size(), relation.columns.size());
  for (std::size_t i = 0; i < common; ++i) {
    const std::string& ours = schema.columns[i].name;
    const std::string& theirs = relation.columns[i].name;
    if (ours == theirs) continue;
    const bool gone = !has(relation.columns, ours);
    const bool added = !has(schema.columns, theirs);
    if (gone && added && schema.columns.size() == relation.columns.size()) {
      return fmt::format("column {} was renamed to {} or replaced by it", ours, theirs);
    }
    if (gone) return fmt::format("column {} was dropped", ours);
    if (added) return fmt::format("column {} was added", theirs);
    return "the order of the columns changed";
  }
  if (common < relation.columns.size()) {
    return fmt::format("column {} was added", relation.columns[common].name);
  }
  if (common < schema.columns.size()) {
    return fmt::format("column {} was dropped", schema.columns[common].name);
  }
  return {};
}

std::string difference_of_columns(const ColumnSchema& ours, const RelationColumn& theirs) {
  if (ours.declared_type() != theirs.pg_type) {
    return fmt::format("column {} changed its type from {} to {}", ours.name,
                       postgres::type_name(ours.declared_type()),
                       postgres::type_name(theirs.pg_type));
  }
  if (ours.declared_typmod() != theirs.pg_typmod) {
    return fmt::format("column {} changed its length or precision (typmod {} to {})", ours.name,
                       ours.declared_typmod(), theirs.pg_typmod);
  }
  return {};
}

// Flags count for keys only: under FULL every column has one, whatever the primary key is.
std::string difference_of_keys(const TableSchema& schema, const Relation& relation) {
  const Identity identity = identity_of(relation);
  if (schema.identity == Identity::None) return {};
  if (identity != schema.identity) {
    return fmt::format("the replica identity changed from {} to {}", name_of(schema.identity),
                       name_of(identity));
  }
  if (identity != Identity::Key) return {};
  for (std::size_t i = 0; i < schema.columns.size(); ++i) {
    const bool in_key = relation.columns[i].in_identity;
    if (schema.columns[i].in_key == in_key) continue;
    return fmt::format("column {} {} the replica identity", schema.columns[i].name,
                       in_key ? "joined" : "left");
  }
  return {};
}

}  // namespace

Identity identity_of(const Relation& relation) {
  if (relation.identity == 'f') return Identity::Full;
  const bool keyed = relation.identity != 'n' &&
                     std::any_of(relation.columns.begin(), relation.columns.end(),
                                 [](const RelationColumn& column) { return column.in_identity; });
  return keyed ? Identity::Key : Identity::None;
}

std::optional<Relation> parse_relation(ByteReader& reader) {
  Relation relation;
  relation.table = TableId{reader.big<std::uint32_t>()};
  reader.text_to_nul();  // schema
  reader.text_to_nul();  // table
  relation.identity = static_cast<char>(reader.big<std::uint8_t>());
  const auto count = reader.big<std::int16_t>();
  if (!reader.ok() || count < 0) return std::nullopt;
  if (std::string_view("dnfi").find(relation.identity) == std::string_view::npos) {
    return std::nullopt;
  }
  for (std::int16_t i = 0; i < count && reader.ok(); ++i) {
    RelationColumn column;
    column.in_identity = (reader.big<std::uint8_t>() & 1) != 0;
    column.name = reader.text_to_nul();
    column.pg_type = reader.big<std::uint32_t>();
    column.pg_typmod = reader.big<std::int32_t>();
    relation.columns.push_back(std::move(column));
  }
  if (!reader.ok() || !reader.at_end()) return std::nullopt;
  return relation;
}

std::string difference(const TableSchema& schema, const Relation& relation) {
  std::string names = difference_of_names(schema, relation);
  if (!names.empty()) return names;
  for (std::size_t i = 0; i < schema.columns.size(); ++i) {
    std::string column = difference_of_columns(schema.columns[i], relation.columns[i]);
    if (!column.empty()) return column;
  }
  return difference_of_keys(schema, relation);
}

}  // namespace freshet::decode
