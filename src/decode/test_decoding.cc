#include "decode/test_decoding.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <unordered_map>
#include <vector>

#include "postgres/values.h"

namespace freshet::decode {

namespace {

using Columns = std::vector<LineColumn>;

// What SQL calls types that have another name in the catalog.
constexpr auto sql_names = std::to_array<std::pair<std::string_view, std::string_view>>(
    {{"int8", "bigint"},
     {"int4", "integer"},
     {"int2", "smallint"},
     {"float8", "double precision"},
     {"float4", "real"},
     {"bool", "boolean"},
     {"varchar", "character varying"},
     {"bpchar", "character"},
     {"timestamptz", "timestamp with time zone"},
     {"timestamp", "timestamp without time zone"},
     {"time", "time without time zone"}});

std::string sql_name(std::uint32_t type) {
  std::string name = postgres::type_name(type);
  const bool array = name.ends_with("[]");
  if (array) name.resize(name.size() - 2);
  const auto found =
      std::ranges::find(sql_names, name, [](const auto& pair) { return pair.first; });
  if (found != sql_names.end()) name = found->second;
  return name + (array ? "[]" : "");
}

// A type that only its source knows by name has any name; so has a domain.
bool agrees(const ColumnSchema& column, std::string_view type) {
  const std::uint32_t declared = column.declared_type();
  const bool known = !postgres::type_name(declared).starts_with("oid ");
  return !known || sql_name(declared) == type;
}

const LineColumn* find(const Columns& columns, std::string_view name) {
  const auto found = std::ranges::find(columns, name, &LineColumn::name);
  return found == columns.end() ? nullptr : &*found;
}

void append_value(std::string& out, const LineColumn& column) {
  switch (column.state) {
    case LineColumn::State::Null: out.push_back('n'); return;
    case LineColumn::State::Unchanged: out.push_back('u'); return;
    case LineColumn::State::Value: break;
  }
  out.push_back('t');
  ByteWriter writer(out);
  writer.big(static_cast<std::int32_t>(column.value.size()));
  out += column.value;
}

void append_row(std::string& out, const Columns& columns) {
  ByteWriter(out).big(static_cast<std::int16_t>(columns.size()));
  for (const LineColumn& column : columns) append_value(out, column);
}

using Names = std::vector<std::string>;

// An old row has a place for every column of the table; those it does not name are null.
void append_old_row(std::string& out, const Names& names, const Columns& columns) {
  ByteWriter(out).big(static_cast<std::int16_t>(names.size()));
  for (const std::string& name : names) {
    const LineColumn* const named = find(columns, name);
    if (named == nullptr) {
      out.push_back('n');
    } else {
      append_value(out, *named);
    }
  }
}

struct RelationColumn {
  std::string_view name;
  std::uint32_t type = 0;
  std::int32_t typmod = -1;
  bool in_identity = false;
};

std::string relation_message(const TableSchema& schema, char identity,
                             const std::vector<RelationColumn>& columns) {
  std::string message = "R";
  ByteWriter writer(message);
  writer.big(value(schema.id));
  writer.text_with_nul(schema.schema);
  writer.text_with_nul(schema.name);
  writer.big(identity);
  writer.big(static_cast<std::int16_t>(columns.size()));
  for (const RelationColumn& column : columns) {
    writer.big(static_cast<std::uint8_t>(column.in_identity ? 1 : 0));
    writer.text_with_nul(column.name);
    writer.big(column.type);
    writer.big(column.typmod);
  }
  return message;
}

char identity_byte(Identity identity) {
  switch (identity) {
    case Identity::Key: return 'i';
    case Identity::Full: return 'f';
    case Identity::None: return 'n';
  }
  return 'n';
}

// The table as a new row shows it. Lines do not tell the precision, nor what identifies a row:
// there the schema is believed.
std::string relation_of_row(const TableSchema& schema, const Columns& row) {
  std::vector<RelationColumn> columns;
  for (const LineColumn& shown : row) {
    RelationColumn column{.name = shown.name};
    const auto known = std::ranges::find(schema.columns, shown.name, &ColumnSchema::name);
    if (known != schema.columns.end()) {
      column.in_identity = known->in_key;
      if (agrees(*known, shown.type)) column.type = known->declared_type();
      if (column.type != 0) column.typmod = known->declared_typmod();
    }
    columns.push_back(column);
  }
  return relation_message(schema, identity_byte(schema.identity), columns);
}

// The table as the schema has it, but with the identity that an old row shows, which is another.
std::string relation_of_old(const TableSchema& schema, const Columns& old) {
  std::vector<RelationColumn> columns;
  for (const ColumnSchema& column : schema.columns) {
    columns.push_back({.name = column.name,
                       .type = column.declared_type(),
                       .typmod = column.declared_typmod(),
                       .in_identity = find(old, column.name) != nullptr});
  }
  return relation_message(schema, old.empty() ? 'n' : 'i', columns);
}

// Key columns cannot be null, so an old row names all of them, and nothing else.
bool names_the_key(const TableSchema& schema, const Columns& old) {
  const auto keys = std::ranges::count_if(schema.columns, &ColumnSchema::in_key);
  return static_cast<std::size_t>(keys) == old.size() &&
         std::ranges::all_of(schema.columns, [&](const ColumnSchema& column) {
           return !column.in_key || find(old, column.name) != nullptr;
         });
}

// A table with an entry in the ChangeSet.
struct NamedTable {
  std::shared_ptr<const TableSchema> schema;
  std::string relation{};  // as it was told last
  Names columns{};         // of the newest row: those of the schema until it was altered
};

NamedTable named_table(const std::shared_ptr<const TableSchema>& schema) {
  NamedTable table{.schema = schema};
  for (const ColumnSchema& column : schema->columns) table.columns.push_back(column.name);
  return table;
}

std::string key_of(std::string_view schema, std::string_view name) {
  return fmt::format("{}{}{}", schema, '\0', name);
}

Error corruption(std::string_view message) {
  Error error;
  error.fault = Fault::Corruption;
  error.sqlstate = "XX001";
  error.message = message;
  return error;
}

}  // namespace

struct LineTranslator::State {
  std::unordered_map<std::string, NamedTable> tables;  // by schema and name
  std::uintptr_t seen = 0;  // what identifies the entries that `tables` was made from
  std::string out;

  void learn(const ChangeSet& changes);
  Result<> line(std::string_view text);
  void row_change(NamedTable& table, const Line& line);
  void truncate(const Line& line);
  void relation(NamedTable& table, std::string message);
  void tell_row(NamedTable& table, const Columns& row);
  void frame(std::string_view message);
  NamedTable* find_table(const Line::Table& name);
};

LineTranslator::LineTranslator() : state_(std::make_unique<State>()) {}
LineTranslator::~LineTranslator() = default;
LineTranslator::LineTranslator(LineTranslator&&) noexcept = default;
LineTranslator& LineTranslator::operator=(LineTranslator&&) noexcept = default;

bool holds_lines(const TransactionPart& part) {
  // At most Begin comes before the first line.
  ByteReader reader(part.messages);
  for (int message = 0; message < 2; ++message) {
    const Bytes bytes = reader.bytes(reader.little<std::uint32_t>());
    if (bytes.empty()) return false;
    if (static_cast<char>(bytes[0]) == test_decoding_line) return true;
  }
  return false;
}

Result<std::shared_ptr<const std::string>> LineTranslator::translate(const TransactionPart& part,
                                                                     const ChangeSet& out) {
  State& state = *state_;
  state.learn(out);
  state.out.clear();
  ByteReader reader(part.messages);
  while (!reader.at_end()) {
    const Bytes message = reader.bytes(reader.little<std::uint32_t>());
    if (!reader.ok() || message.empty()) return corruption("the messages run out");
    const std::string_view text = as_text(message);
    if (text.front() == test_decoding_line) {
      TRY(state.line(text.substr(1)));
    } else {
      state.frame(text);
    }
  }
  return std::make_shared<const std::string>(state.out);
}

// The entries change seldom: when a table joins, leaves or gets another schema.
void LineTranslator::State::learn(const ChangeSet& changes) {
  std::uintptr_t sum = changes.tables.size();
  for (const auto& [id, entry] : changes.tables) {
    sum += reinterpret_cast<std::uintptr_t>(entry->schema.get()) * (value(id) | 1U);
  }
  if (sum == seen) return;
  seen = sum;
  auto before = std::move(tables);
  tables.clear();
  for (const auto& [id, entry] : changes.tables) {
    const std::string key = key_of(entry->schema->schema, entry->schema->name);
    const auto known = before.find(key);
    const bool same = known != before.end() && known->second.schema == entry->schema;
    tables[key] = same ? std::move(known->second) : named_table(entry->schema);
  }
}

Result<> LineTranslator::State::line(std::string_view text) {
  const std::optional<Line> parsed = parse_line(text);
  if (!parsed) return corruption("malformed line of test_decoding");
  if (parsed->kind == Line::Kind::Truncate) {
    truncate(*parsed);
  } else if (NamedTable* const table = find_table(parsed->tables.front())) {
    row_change(*table, *parsed);
  }
  return {};
}

void LineTranslator::State::row_change(NamedTable& table, const Line& line) {
  const TableSchema& schema = *table.schema;
  const bool is_insert = line.kind == Line::Kind::Insert;
  // As if only inserts of such a table were published.
  if (schema.identity == Identity::None && !is_insert) return;
  const bool is_delete = line.kind == Line::Kind::Delete;
  if (!is_delete) tell_row(table, line.fresh);
  if (is_delete && !line.old) return relation(table, relation_of_old(schema, {}));
  if (schema.identity == Identity::Key && line.old && !names_the_key(schema, *line.old)) {
    return relation(table, relation_of_old(schema, *line.old));
  }
  std::string message(1, is_insert ? 'I' : (is_delete ? 'D' : 'U'));
  ByteWriter(message).big(value(schema.id));
  if (line.old) {
    message.push_back(schema.identity == Identity::Full ? 'O' : 'K');
    append_old_row(message, table.columns, *line.old);
  }
  if (!is_delete) {
    message.push_back('N');
    append_row(message, line.fresh);
  }
  frame(message);
}

void LineTranslator::State::truncate(const Line& line) {
  std::string ids;
  std::uint32_t count = 0;
  for (const Line::Table& name : line.tables) {
    const NamedTable* const table = find_table(name);
    if (table == nullptr) continue;
    ByteWriter(ids).big(value(table->schema->id));
    ++count;
  }
  if (count == 0) return;
  std::string message = "T";
  ByteWriter writer(message);
  writer.big(count);
  writer.big(std::uint8_t{0});
  frame(message + ids);
}

void LineTranslator::State::relation(NamedTable& table, std::string message) {
  if (table.relation == message) return;
  table.relation = std::move(message);
  frame(table.relation);
}

void LineTranslator::State::tell_row(NamedTable& table, const Columns& row) {
  relation(table, relation_of_row(*table.schema, row));
  if (std::ranges::equal(table.columns, row, {}, {}, &LineColumn::name)) return;
  table.columns.clear();
  for (const LineColumn& column : row) table.columns.push_back(column.name);
}

void LineTranslator::State::frame(std::string_view message) {
  ByteWriter writer(out);
  writer.little(static_cast<std::uint32_t>(message.size()));
  out += message;
}

NamedTable* LineTranslator::State::find_table(const Line::Table& name) {
  const auto found = tables.find(key_of(name.schema, name.name));
  return found == tables.end() ? nullptr : &found->second;
}

}  // namespace freshet::decode
