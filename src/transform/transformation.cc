#include "transform/transformation.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <set>

#include "base/check.h"
#include "engine/appender.h"
#include "engine/read_columns.h"
#include "transform/ingest_sql.h"
#include "transform/output.h"

namespace freshet::transform {

namespace {

constexpr std::array<TypeKind, std::size(metadata_columns)> metadata_types{
    TypeKind::Text, TypeKind::TimestampTz, TypeKind::Text, TypeKind::TimestampTz, TypeKind::Text};

std::string_view name_of(Op op) {
  switch (op) {
    case Op::Insert: return "INSERT";
    case Op::Update: return "UPDATE";
    case Op::Delete: return "DELETE";
    case Op::Truncate: return "TRUNCATE";
  }
  return "";
}

std::vector<ColumnSchema> key_columns(const TableSchema& table) {
  std::vector<ColumnSchema> columns;
  for (const std::size_t ordinal : table.identity_columns()) {
    columns.push_back(table.columns[ordinal]);
  }
  return columns;
}

std::vector<Type> types_of(const std::vector<ColumnSchema>& columns) {
  std::vector<Type> types;
  for (const ColumnSchema& column : columns) types.push_back(column.type);
  return types;
}

// The rows of given_rows() under the names of `columns` and, behind them, of `more`.
std::string input(const std::vector<ColumnSchema>& columns,
                  const std::vector<std::string_view>& more) {
  std::string list;
  std::size_t ordinal = 0;
  const auto add = [&](std::string_view name) {
    list += fmt::format("{}c{} AS {}", ordinal == 0 ? "" : ", ", ordinal, engine::quoted(name));
    ++ordinal;
  };
  for (const ColumnSchema& column : columns) add(column.name);
  for (const std::string_view name : more) add(name);
  return "WITH _input AS NOT MATERIALIZED (SELECT " + list + " FROM given_rows()) ";
}

// What stands for a key that the collection has no columns for: one text of all its values.
std::string hash_of(const std::vector<ColumnSchema>& key) {
  std::string list;
  for (const ColumnSchema& column : key) {
    list += fmt::format(", CAST({} AS VARCHAR)", engine::quoted(column.name));
  }
  return "md5(concat_ws(chr(31)" + list + "))";
}

std::string numbered_names(std::size_t count) {
  std::string names;
  for (std::size_t i = 0; i < count; ++i) names += fmt::format("o{}, ", i);
  return names + std::string(row_column);
}

std::string upper(std::string name) {
  std::ranges::transform(name, name.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return name;
}

}  // namespace

void Transformed::drop_to(std::size_t rows) {
  for (Column& column : columns) column.drop_to(rows);
  from.resize(rows);
}

Result<std::unique_ptr<Transformation>> Transformation::open(
    engine::Database& database, const Definition& definition,
    std::shared_ptr<const TableSchema> table) {
  std::unique_ptr<Transformation> made(new Transformation());
  made->table_ = std::move(table);
  TRY(made->connect(database));
  TRY(made->plan(definition));
  return made;
}

Result<std::unique_ptr<Transformation>> Transformation::open_without_key(
    engine::Database& database, const std::string& sql, std::shared_ptr<const TableSchema> table) {
  std::unique_ptr<Transformation> made(new Transformation());
  made->table_ = std::move(table);
  made->without_key_ = true;
  TRY(made->connect(database));
  TRY(made->plan(Definition{.sql = sql, .primary_key = {}}));
  return made;
}

Result<> Transformation::connect(engine::Database& database) {
  connection_ = TRY(database.connect({.progress = false}));
  return connection_->execute("SET integer_division = true");  // 7 / 2 is 3, as in queries
}

Result<> Transformation::plan(const Definition& definition) {
  for (const ColumnSchema& column : table_->columns) {
    const bool taken =
        column.name == row_column ||
        std::ranges::find(metadata_columns, column.name) != std::end(metadata_columns);
    if (!taken) continue;
    return Error{.sqlstate = "42701",
                 .message = fmt::format("column {} of table {} has a name that _input needs",
                                        engine::quoted(column.name), table_->qualified_name()),
                 .hint = "Rename it on the source to transform the table."};
  }
  for (const std::string_view name : metadata_columns) {
    metadata_read_.push_back(definition.sql.find(name) != std::string::npos);
  }
  for (const TypeKind kind : metadata_types) metadata_.emplace_back(Type{kind});
  metadata_.emplace_back(Type{TypeKind::Int32});
  TRY(choose_key(definition));
  const bool reads_metadata = std::ranges::find(metadata_read_, true) != metadata_read_.end();
  if (identity_ == Identity::Full && reads_metadata) {
    return Error{.sqlstate = "0A000",
                 .message = fmt::format("table {} has no key, so its rows cannot carry metadata",
                                        table_->qualified_name()),
                 .hint = "An old row would not be found again; give the table a primary key."};
  }
  TRY(plan_rows());
  return identity_ == Identity::Key ? plan_keys() : Result<>{};
}

// Plans the statement for the columns of the table; what its results are called.
Result<std::vector<std::string>> Transformation::names_made_by(const std::string& sql) {
  std::vector<std::string_view> more(std::begin(metadata_columns), std::end(metadata_columns));
  more.push_back(row_column);
  std::vector<Type> types = types_of(table_->columns);
  for (const Column& column : metadata_) types.push_back(column.type());
  row_query_ = TRY(
      engine::RowQuery::open(*connection_, input(table_->columns, more) + sql, std::move(types)));
  std::vector<std::string> names;
  for (const engine::ResultColumn& column : row_query_->columns()) names.push_back(column.name);
  names.pop_back();
  return names;
}

// Finds out which columns come out, and which of them are the key.
Result<> Transformation::choose_key(const Definition& definition) {
  const std::vector<ColumnSchema> table_key = key_columns(*table_);
  std::set<std::string> table_key_names;
  for (const ColumnSchema& column : table_key) table_key_names.insert(column.name);
  IngestSql sql = TRY(IngestSql::parse(*connection_, definition.sql));
  std::vector<std::string> names = TRY(names_made_by(sql.rows()));
  const auto has = [&](const std::string& name) {
    return std::ranges::find(names, name) != names.end();
  };
  // How the column is made of the table's key, if it is made of nothing else.
  const auto made_of_key = [&](const std::string& name) -> std::optional<std::string> {
    if (!has(name)) return std::nullopt;
    const Expression* expression = sql.output(name);
    if (expression == nullptr) {
      if (sql.has_star() && table_key_names.contains(name)) return engine::quoted(name);
      return std::nullopt;
    }
    if (!std::ranges::includes(table_key_names, expression->columns)) return std::nullopt;
    return expression->sql;
  };

  if (without_key_) {
    identity_ = Identity::None;
    rows_sql_ = sql.rows();
    made_columns_ = names.size();
    return {};
  }

  std::vector<std::string> key = definition.primary_key;
  if (key.empty() && has("_id")) key = {"_id"};
  identity_ = table_->identity;
  if (key.empty() && identity_ == Identity::Key) {
    for (const ColumnSchema& column : table_key) key.push_back(column.name);
    const bool all_there =
        std::ranges::all_of(key, [&](const auto& name) { return made_of_key(name).has_value(); });
    if (!all_there) {
      key = {"_id"};
      sql = TRY(IngestSql::parse(*connection_, definition.sql, hash_of(table_key)));
      names = TRY(names_made_by(sql.rows()));
    }
  }
  rows_sql_ = sql.rows();
  made_columns_ = names.size();
  if (key.empty()) return {};

  identity_ = Identity::Key;
  std::vector<std::string> expressions;
  for (const std::string& name : key) {
    const auto expression = made_of_key(name);
    if (expression && !table_key.empty()) {
      expressions.push_back(*expression);
      key_.push_back(static_cast<std::size_t>(std::ranges::find(names, name) - names.begin()));
      continue;
    }
    std::string of;
    for (const ColumnSchema& column : table_key) of += (of.empty() ? "" : ", ") + column.name;
    return Error{
        .sqlstate = "42P16",
        .message = fmt::format("primary key column {} is not made of the key of table {} alone",
                               engine::quoted(name), table_->qualified_name()),
        .hint =
            of.empty()
                ? "The table has no key on its source, so its collection cannot have one."
                : fmt::format("A primary key never changes: make it of {}, or leave it out.", of)};
  }
  expressions.emplace_back(row_column);
  key_sql_ = sql.select(expressions);
  return {};
}

Result<> Transformation::plan_rows() {
  const std::vector<engine::ResultColumn>& results = row_query_->columns();
  std::set<std::string> names;
  for (std::size_t i = 0; i < made_columns_; ++i) {
    const std::string& name = results[i].name;
    std::string expression = fmt::format("o{}", i);
    if (name == "_op") {
      condition_ = fmt::format("upper(CAST({} AS VARCHAR)) IS DISTINCT FROM 'DELETE'", expression);
      continue;
    }
    if (!names.insert(upper(name)).second) {
      return Error{.sqlstate = "42701",
                   .message = fmt::format("column {} is there twice", engine::quoted(name)),
                   .hint = "Give one of the two another name with AS."};
    }
    Kept kept = keep(results[i].type, expression);
    if (name == "_id")
      kept = {Type{TypeKind::Text}, fmt::format("CAST({} AS VARCHAR)", expression)};
    if (name == "_event_time") {
      const bool micros = kept.type.kind == TypeKind::Int64 || kept.type.kind == TypeKind::Int32;
      kept = {Type{TypeKind::TimestampTz},
              micros ? fmt::format("make_timestamptz({})", expression)
                     : fmt::format("CAST({} AS TIMESTAMPTZ)", expression)};
    }
    const bool in_key = std::ranges::find(key_, i) != key_.end();
    columns_.push_back({.name = name,
                        .type = kept.type,
                        .attnum = static_cast<std::int16_t>(columns_.size() + 1),
                        .in_key = in_key,
                        .not_null = in_key});
    made_.push_back(std::move(kept.sql));
  }
  if (columns_.empty()) {
    return Error{.sqlstate = "42601", .message = "the transformation makes no column"};
  }
  // In the order of key_sql_.
  std::vector<std::size_t> in_order;
  for (const std::size_t made : key_) {
    const std::string& name = results[made].name;
    const auto at = std::ranges::find(columns_, name, &ColumnSchema::name);
    in_order.push_back(static_cast<std::size_t>(at - columns_.begin()));
  }
  key_ = std::move(in_order);

  std::string list;
  for (const std::string& made : made_) list += made + ", ";
  std::vector<std::string_view> more(std::begin(metadata_columns), std::end(metadata_columns));
  more.push_back(row_column);
  std::vector<Type> types = types_of(table_->columns);
  for (const Column& column : metadata_) types.push_back(column.type());
  row_query_ = TRY(engine::RowQuery::open(*connection_,
                                          input(table_->columns, more) + "SELECT " + list +
                                              std::string(row_column) + " FROM (" + rows_sql_ +
                                              ") AS made(" + numbered_names(made_columns_) + ")" +
                                              (condition_.empty() ? "" : " WHERE " + condition_),
                                          std::move(types)));
  return {};
}

Result<> Transformation::plan_keys() {
  // Key columns of a schema come in the schema's order.
  const std::vector<ColumnSchema> table_key = key_columns(*table_);
  std::vector<std::size_t> order(key_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return key_[i]; });
  std::string list;
  for (const std::size_t i : order) {
    list += fmt::format("CAST(o{} AS {}), ", i, engine::sql_name(columns_[key_[i]].type));
  }
  std::vector<Type> types = types_of(table_key);
  types.push_back({TypeKind::Int32});
  key_query_ = TRY(engine::RowQuery::open(*connection_,
                                          input(table_key, {row_column}) + "SELECT " + list +
                                              std::string(row_column) + " FROM (" + key_sql_ +
                                              ") AS made(" + numbered_names(key_.size()) + ")",
                                          std::move(types)));
  return {};
}

// The metadata of every new row of the changes, as far as the statement asks for it.
void Transformation::describe_rows(const TableChanges& changes) {
  const std::size_t rows = changes.row_count();
  for (Column& column : metadata_) {
    if (&column != &metadata_.back()) column.clear();
  }
  number_rows(rows);
  if (std::ranges::find(metadata_read_, true) == metadata_read_.end()) return;
  texts_.clear();
  std::vector<const Change*> change_of(rows, nullptr);
  for (const Change& change : changes.changes) {
    if (change.row != Change::none) change_of[change.row] = &change;
  }
  texts_.push_back(table_->qualified_name());
  const std::string_view table = texts_.back();
  std::string_view lsn;
  const TableChanges::Origin* last = nullptr;
  for (std::size_t row = 0; row < rows; ++row) {
    const Change* change = change_of[row];
    const auto at = static_cast<std::size_t>(change - changes.changes.data());
    const auto behind = change == nullptr ? changes.origins.begin()
                                          : std::ranges::upper_bound(changes.origins, at, {},
                                                                     &TableChanges::Origin::first);
    const TableChanges::Origin* origin =
        behind == changes.origins.begin() ? nullptr : &*std::prev(behind);
    if (origin != last && origin != nullptr) {
      texts_.push_back(to_string(origin->commit_lsn));
      lsn = texts_.back();
    }
    last = origin;
    metadata_[0].append_string(name_of(change == nullptr ? Op::Insert : change->op));
    metadata_[4].append_string(table);
    if (origin == nullptr) {
      for (std::size_t i = 1; i < 4; ++i) metadata_[i].append_null();
      continue;
    }
    const std::int64_t micros = origin->commit_time.time_since_epoch().count();
    metadata_[1].append(micros);
    metadata_[2].append_string(lsn);
    metadata_[3].append(micros);
  }
}

Result<> Transformation::run(const TableChanges& changes, std::span<const std::uint32_t> rows,
                             Arena& keep, Transformed& out) {
  describe_rows(changes);
  return run_rows(changes.rows, rows, keep, out);
}

Result<> Transformation::run_old(const TableChanges& changes, std::span<const std::uint32_t> rows,
                                 Arena& keep, Transformed& out) {
  CHECK(identity_ == Identity::Full);
  number_rows(changes.old.front().size());
  return run_rows(changes.old, rows, keep, out);  // all columns, in order
}

Result<> Transformation::run_rows(std::span<const Column> columns,
                                  std::span<const std::uint32_t> rows, Arena& keep,
                                  Transformed& out) {
  out.columns.clear();
  for (const ColumnSchema& column : columns_) out.columns.emplace_back(column.type);
  TRY(run_all(*row_query_, columns, rows, keep, out));
  refuse_null_keys(out);
  return {};
}

void Transformation::number_rows(std::size_t rows) {
  Column& number = metadata_.back();
  while (number.size() < rows) number.append(static_cast<std::int32_t>(number.size()));
}

Result<> Transformation::keys(std::span<const Column> identity, Arena& keep, Transformed& out) {
  out.columns.clear();
  for (const ColumnSchema& column : columns_) {
    if (column.in_key) out.columns.emplace_back(column.type);
  }
  const std::size_t rows = identity.front().size();
  number_rows(rows);
  while (numbers_.size() < rows) numbers_.push_back(static_cast<std::uint32_t>(numbers_.size()));
  return run_all(*key_query_, identity, std::span(numbers_).first(rows), keep, out);
}

// `first`: the columns of the table or of its key; the rest is metadata, or the row's number alone.
Result<> Transformation::run_all(engine::RowQuery& query, std::span<const Column> first,
                                 std::span<const std::uint32_t> rows, Arena& keep,
                                 Transformed& out) {
  out.from.clear();
  out.rejected.clear();
  const bool keys_only = &query == &*key_query_;
  const std::span<const Column> more =
      keys_only ? std::span(metadata_).last(1) : std::span<const Column>(metadata_);
  const auto take = [&](const engine::Chunk& chunk) -> Result<> {
    const auto* from = static_cast<const std::int32_t*>(chunk.column(out.columns.size()).data());
    for (std::size_t i = 0; i < chunk.size(); ++i) {
      out.from.push_back(static_cast<std::uint32_t>(from[i]));
    }
    for (std::size_t c = 0; c < out.columns.size(); ++c) {
      engine::append_all(out.columns[c], chunk.column(c), chunk.size(), keep);
    }
    return {};
  };
  // What fails is halved until the rows that do are alone.
  std::vector<std::span<const std::uint32_t>> left{rows};
  while (!left.empty()) {
    const auto part = left.back();
    left.pop_back();
    const std::size_t before = out.from.size();
    Result<> ran = query.run(first, more, part, take);
    if (ran.ok()) continue;
    if (ran.error().fault != Fault::Permanent) return ran;
    out.drop_to(before);
    if (part.size() == 1) {
      out.rejected.push_back({part.front(), std::move(ran).error()});
      continue;
    }
    left.push_back(part.subspan(part.size() / 2));
    left.push_back(part.first(part.size() / 2));
  }
  return {};
}

// Rows whose key is null cannot be told from others.
void Transformation::refuse_null_keys(Transformed& out) const {
  const auto complete = [&](std::size_t ordinal) { return out.columns[ordinal].all_present(); };
  if (std::ranges::all_of(key_, complete)) return;
  Transformed good;
  for (const ColumnSchema& column : columns_) good.columns.emplace_back(column.type);
  for (std::size_t i = 0; i < out.from.size(); ++i) {
    const auto null = std::ranges::find_if(key_, [&](std::size_t ordinal) {
      return out.columns[ordinal].state(i) == ValueState::Null;
    });
    if (null == key_.end()) {
      for (std::size_t c = 0; c < columns_.size(); ++c) {
        good.columns[c].append_from(out.columns[c], i);
      }
      good.from.push_back(out.from[i]);
      continue;
    }
    out.rejected.push_back({out.from[i],
                            {.sqlstate = "23502",
                             .message = fmt::format("primary key column {} is null",
                                                    engine::quoted(columns_[*null].name))}});
  }
  std::ranges::sort(out.rejected, {}, &Rejected::row);
  good.rejected = std::move(out.rejected);
  out = std::move(good);
}

Result<std::string> Transformation::print(std::span<const Column> columns, std::uint32_t row) {
  if (!print_query_) {
    print_query_ = TRY(engine::RowQuery::open(
        *connection_,
        input(table_->columns, {}) + "SELECT CAST(to_json(_input) AS VARCHAR) FROM _input",
        types_of(table_->columns)));
  }
  std::string text;
  const std::uint32_t rows[] = {row};
  TRY(print_query_->run(columns, {}, rows, [&](const engine::Chunk& chunk) -> Result<> {
    text = chunk.column(0).text(0);
    return {};
  }));
  return text;
}

}  // namespace freshet::transform
