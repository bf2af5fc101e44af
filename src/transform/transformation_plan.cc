// How the statements of a transformation are put together for the columns of its table.
#include <fmt/core.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "engine/appender.h"
#include "engine/as_seen.h"
#include "transform/ingest_sql.h"
#include "transform/output.h"
#include "transform/transformation.h"

namespace freshet::transform {

namespace {

constexpr std::array<TypeKind, std::size(metadata_columns)> metadata_types{
    TypeKind::Text, TypeKind::TimestampTz, TypeKind::Text, TypeKind::TimestampTz, TypeKind::Text};

std::vector<ColumnSchema> key_columns(const TableSchema& table) {
  std::vector<ColumnSchema> columns;
  for (const std::size_t ordinal : table.identity_columns()) {
    columns.push_back(table.columns[ordinal]);
  }
  return columns;
}

// Values as queries see them, or as they are stored.
enum class Show { Seen, Stored };

// The rows of given_rows() under the names of `columns` and, behind them, of `more`.
std::string input(engine::Connection& connection, const std::vector<ColumnSchema>& columns,
                  const std::vector<std::string_view>& more, Show show = Show::Seen) {
  std::string list;
  std::size_t ordinal = 0;
  const auto next = [&] { return fmt::format("c{}", ordinal++); };
  const auto add = [&](std::string_view name, const std::string& value) {
    list += fmt::format("{}{} AS {}", list.empty() ? "" : ", ", value, engine::quoted(name));
  };
  for (const ColumnSchema& column : columns) {
    add(column.name, show == Show::Seen ? engine::as_seen(connection, column, next()) : next());
  }
  for (const std::string_view name : more) add(name, next());
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

bool same(std::string_view a, std::string_view b) {
  return engine::folded(a) == engine::folded(b);
}

std::optional<std::size_t> place_of(std::string_view name, const std::vector<std::string>& names) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (same(names[i], name)) return i;
  }
  return std::nullopt;
}

// How the result is made of the table's key, if it is made of nothing else.
std::optional<std::string> made_of_key(const std::string& name, const IngestSql& sql,
                                       const std::vector<ColumnSchema>& table_key) {
  const auto in_key = [&](const std::string& column) {
    return std::ranges::any_of(table_key,
                               [&](const ColumnSchema& each) { return same(each.name, column); });
  };
  if (table_key.empty()) return std::nullopt;
  const Expression* const expression = sql.output(name);
  if (expression == nullptr) {
    if (sql.has_star() && in_key(name)) return engine::quoted(name);
    return std::nullopt;
  }
  if (!std::ranges::all_of(expression->columns, in_key)) return std::nullopt;
  return expression->sql;
}

Error not_of_key(const std::string& name, const TableSchema& table,
                 const std::vector<ColumnSchema>& table_key) {
  std::string of;
  for (const ColumnSchema& column : table_key) of += (of.empty() ? "" : ", ") + column.name;
  return {.sqlstate = "42P16",
          .message = fmt::format("primary key column {} is not made of the key of table {} alone",
                                 engine::quoted(name), table.qualified_name()),
          .hint = of.empty()
                      ? "The table has no key on its source, so its collection cannot have one."
                      : fmt::format("A primary key never changes: make it of {}, or leave it out.",
                                    of)};
}

}  // namespace

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

// Plans a SELECT from _input, which has the columns of the table, the metadata and the row's
// number. An error has no position: it would be one in what we made of the user's statement.
Result<> Transformation::open_row_query(const std::string& sql) {
  std::vector<std::string_view> more(std::begin(metadata_columns), std::end(metadata_columns));
  more.push_back(row_column);
  std::vector<Type> types = types_of(table_->columns);
  for (const Column& column : metadata_) types.push_back(column.type());
  auto opened = engine::RowQuery::open(
      *connection_, input(*connection_, table_->columns, more) + sql, std::move(types));
  if (!opened.ok()) {
    Error error = std::move(opened).error();
    error.position = 0;
    return error;
  }
  row_query_ = std::move(opened).value();
  return {};
}

// Plans the user's statement; what its results are called.
Result<std::vector<std::string>> Transformation::names_made_by(const std::string& sql) {
  TRY(open_row_query(sql));
  std::vector<std::string> names;
  for (const engine::ResultColumn& column : row_query_->columns()) names.push_back(column.name);
  names.pop_back();
  return names;
}

// Finds out which columns come out, and which of them are the key.
Result<> Transformation::choose_key(const Definition& definition) {
  const std::vector<ColumnSchema> table_key = key_columns(*table_);
  IngestSql sql = TRY(IngestSql::parse(*connection_, definition.sql));
  std::vector<std::string> names = TRY(names_made_by(sql.rows()));
  std::vector<std::string> key = definition.primary_key;
  identity_ = without_key_ ? Identity::None : table_->identity;
  if (key.empty() && !without_key_ && place_of("_id", names)) key = {"_id"};
  if (key.empty() && identity_ == Identity::Key) {
    for (const ColumnSchema& column : table_key) key.push_back(column.name);
    const bool all_there = std::ranges::all_of(key, [&](const std::string& name) {
      return place_of(name, names) && made_of_key(name, sql, table_key);
    });
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
    const auto place = place_of(name, names);
    const auto expression = made_of_key(name, sql, table_key);
    if (!place || !expression) return not_of_key(name, *table_, table_key);
    expressions.push_back(*expression);
    key_.push_back(*place);
  }
  expressions.emplace_back(row_column);
  key_sql_ = sql.select(expressions);
  return {};
}

Result<> Transformation::plan_rows() {
  const std::vector<engine::ResultColumn>& results = row_query_->columns();
  std::set<std::string> names;
  std::string list;       // how each column is made of the user's results
  std::string condition;  // which of their rows count
  for (std::size_t i = 0; i < made_columns_; ++i) {
    const std::string& name = results[i].name;
    std::string expression = fmt::format("o{}", i);
    if (name == "_op") {
      condition =
          fmt::format(" WHERE upper(CAST({} AS VARCHAR)) IS DISTINCT FROM 'DELETE'", expression);
      continue;
    }
    if (!names.insert(engine::folded(name)).second) {
      return Error{.sqlstate = "42701",
                   .message = fmt::format("column {} is there twice", engine::quoted(name)),
                   .hint = "Give one of the two another name with AS."};
    }
    const Kept kept = keep_result(results[i], expression);
    const bool in_key = std::ranges::find(key_, i) != key_.end();
    columns_.push_back({.name = name,
                        .type = kept.type,
                        .attnum = static_cast<std::int16_t>(columns_.size() + 1),
                        .in_key = in_key,
                        .not_null = in_key});
    list += kept.sql + ", ";
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

  return open_row_query("SELECT " + list + std::string(row_column) + " FROM (" + rows_sql_ +
                        ") AS made(" + numbered_names(made_columns_) + ")" + condition);
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
  key_query_ = TRY(engine::RowQuery::open(
      *connection_,
      input(*connection_, table_key, {row_column}) + "SELECT " + list + std::string(row_column) +
          " FROM (" + key_sql_ + ") AS made(" + numbered_names(key_.size()) + ")",
      std::move(types)));
  return {};
}

Result<std::string> Transformation::print(std::span<const Column> columns, std::uint32_t row) {
  if (!print_query_) {
    print_query_ =
        TRY(engine::RowQuery::open(*connection_,
                                   input(*connection_, table_->columns, {}, Show::Stored) +
                                       "SELECT CAST(to_json(_input) AS VARCHAR) FROM _input",
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
