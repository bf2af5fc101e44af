#include "transform/rollup.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/check.h"
#include "engine/appender.h"
#include "engine/as_seen.h"
#include "engine/read_columns.h"
#include "transform/output.h"

namespace freshet::transform {

namespace {

constexpr Type int64{.kind = TypeKind::Int64};
constexpr Type text{.kind = TypeKind::Text};

// The type that holds every sum of these values exactly, within 38 digits; nothing when there is
// none.
std::optional<Type> sum_type(Type type) {
  switch (type.kind) {
    case TypeKind::Int16:
    case TypeKind::Int32:
    case TypeKind::Int64: return Type{.kind = TypeKind::Decimal, .precision = 38, .scale = 0};
    case TypeKind::Decimal:
      return Type{.kind = TypeKind::Decimal, .precision = 38, .scale = type.scale};
    default: return std::nullopt;
  }
}

void append_all(std::vector<Column>& to, const std::vector<Column>& from) {
  for (std::size_t c = 0; c < from.size(); ++c) {
    for (std::size_t row = 0; row < from[c].size(); ++row) to[c].append_from(from[c], row);
  }
}

// Runs the query over all rows of the columns.
Result<> run(engine::RowQuery& query, const std::vector<Column>& input, Arena& keep,
             std::vector<Column>& output) {
  return query.run_all(input, [&](const engine::Chunk& chunk) -> Result<> {
    for (std::size_t c = 0; c < output.size(); ++c) {
      engine::append_all(output[c], chunk.column(c), chunk.size(), keep);
    }
    return {};
  });
}

}  // namespace

Result<std::unique_ptr<Rollup>> Rollup::open(engine::Database& database,
                                             const Definition& definition,
                                             std::shared_ptr<const TableSchema> table) {
  std::unique_ptr<Rollup> made(new Rollup());
  made->connection_ = TRY(database.connect({.progress = false}));
  TRY(made->connection_->execute("SET integer_division = true"));
  auto sql = TRY(parse_rollup(*made->connection_, definition.sql));
  if (!sql) return std::unique_ptr<Rollup>();
  if (!definition.primary_key.empty()) {
    return Error{.sqlstate = "0A000",
                 .message = "a rollup has no primary key of its own",
                 .hint = "Its rows are told apart by what they are grouped by."};
  }
  if (table->identity == Identity::None) {
    return Error{.sqlstate = "0A000",
                 .message = fmt::format("table {} has no key: only its inserts are known",
                                        table->qualified_name()),
                 .hint = "Give it a primary key or a replica identity on its source."};
  }
  made->sql_ = std::move(*sql);
  made->rows_ = TRY(Transformation::open_without_key(database, made->sql_.row, std::move(table)));
  TRY(made->plan());
  return made;
}

Result<> Rollup::plan() {
  TRY(sort_out());
  TRY(plan_differences());
  return plan_merge();
}

std::size_t Rollup::count_of(std::size_t argument) {
  const auto known = std::ranges::find(counts_, argument);
  if (known == counts_.end()) {
    counts_.push_back(argument);
    return counts_.size() - 1;
  }
  return static_cast<std::size_t>(known - counts_.begin());
}

// Which aggregates can be taken back, and the types of the others.
Result<> Rollup::sort_out() {
  std::string list;
  for (std::size_t i = 0; i < sql_.aggregates.size(); ++i) {
    Aggregate& aggregate = sql_.aggregates[i];
    const bool sums = aggregate.function == "sum" || aggregate.function == "avg";
    const auto type = sums ? sum_type(argument(*aggregate.argument).type) : std::nullopt;
    if (aggregate.can_be_undone && (!sums || type)) {
      Undone undone{.aggregate = i, .count = {}, .sum = {}};
      if (aggregate.argument) undone.count = count_of(*aggregate.argument);
      if (type) {
        undone.sum = sums_.size();
        sums_.push_back({*aggregate.argument, *type});
      }
      undone_.push_back(undone);
      continue;
    }
    if (aggregate.sql.empty()) {
      aggregate.sql = fmt::format("{}(a{})", aggregate.function, *aggregate.argument);
    }
    again_.push_back({.aggregate = i, .type = {}, .sql = aggregate.sql});
    list += (list.empty() ? "" : ", ") + aggregate.sql;
  }
  if (again_.empty()) return {};
  std::string input;
  std::vector<Type> types;
  for (std::size_t i = 0; i < rows_->columns().size(); ++i) {
    const ColumnSchema& column = rows_->columns()[i];
    input += fmt::format("{}{} AS {}", i == 0 ? "" : ", ",
                         engine::as_seen(*connection_, column, fmt::format("c{}", i)), column.name);
    types.push_back(column.type);
  }
  const auto query = TRY(engine::RowQuery::open(
      *connection_, "SELECT " + list + " FROM (SELECT " + input + " FROM given_rows())", types));
  for (std::size_t i = 0; i < again_.size(); ++i) {
    const Kept kept = keep(query.columns()[i].type, again_[i].sql);
    again_[i].type = kept.type;
    again_[i].sql = kept.sql;
  }
  return {};
}

std::vector<Type> Rollup::kept_types() const {
  std::vector<Type> types{text};
  for (std::size_t i = 0; i < sql_.groups; ++i) types.push_back(rows_->columns()[i].type);
  types.push_back(int64);
  types.insert(types.end(), counts_.size(), int64);
  for (const Sum& sum : sums_) types.push_back(sum.type);
  return types;
}

std::vector<Type> Rollup::again_types() const {
  std::vector<Type> types;
  for (const Again& again : again_) types.push_back(again.type);
  return types;
}

// One text for the values of a group, null among them.
std::string Rollup::group_id() const {
  std::string id = "md5(concat_ws(chr(31)";
  for (std::size_t i = 0; i < sql_.groups; ++i) {
    id += fmt::format(", coalesce('v' || CAST(g{} AS VARCHAR), 'n')", i);
  }
  return id + "))";
}

// In: what rows() makes, then the weight of each row.
Result<> Rollup::plan_differences() {
  std::vector<Type> types;
  std::string input;
  for (const ColumnSchema& column : rows_->columns()) {
    input += fmt::format("c{} AS {}, ", types.size(), column.name);
    types.push_back(column.type);
  }
  input += fmt::format("c{} AS w", types.size());
  types.push_back(int64);
  std::string groups;
  for (std::size_t i = 0; i < sql_.groups; ++i) {
    groups += fmt::format("{}g{}", i == 0 ? "" : ", ", i);
  }
  std::string list = group_id() + ", " + groups + ", CAST(sum(w) AS BIGINT)";
  for (const std::size_t argument : counts_) {
    list += fmt::format(", CAST(coalesce(sum(w) FILTER (WHERE a{} IS NOT NULL), 0) AS BIGINT)",
                        argument);
  }
  for (const Sum& sum : sums_) {
    const std::string type = engine::sql_name(sum.type);
    list += fmt::format(
        ", CAST(coalesce(sum(CASE WHEN w > 0 THEN CAST(a{0} AS {1}) ELSE -CAST(a{0} AS {1}) END), "
        "0) AS {1})",
        sum.argument, type);
  }
  differences_ = TRY(engine::RowQuery::open(
      *connection_,
      "SELECT " + list + " FROM (SELECT " + input + " FROM given_rows()) GROUP BY " + groups,
      std::move(types)));
  return {};
}

Result<> Rollup::differences(const Transformed& came, const Transformed& went, Arena& keep,
                             std::vector<Column>& groups) {
  std::vector<Column> rows = columns_of(types_of(rows_->columns()));
  append_all(rows, came.columns);
  append_all(rows, went.columns);
  Column& weight = rows.emplace_back(int64);
  for (std::size_t i = 0; i < came.from.size(); ++i) weight.append(std::int64_t{1});
  for (std::size_t i = 0; i < went.from.size(); ++i) weight.append(std::int64_t{-1});
  groups = columns_of(kept_types());
  return run(*differences_, rows, keep, groups);
}

std::string Rollup::again_sql(const std::string& table_rows) const {
  std::string row;
  for (std::size_t i = 0; i < sql_.groups; ++i) row += fmt::format("r.g{0} AS g{0}, ", i);
  for (std::size_t i = 0; i < sql_.arguments; ++i) row += fmt::format("r.a{0} AS a{0}, ", i);
  row.resize(row.size() - 2);
  std::string wanted;
  std::string same;
  for (std::size_t i = 0; i < sql_.groups; ++i) {
    wanted += fmt::format(", c{} AS w{}", i + 1, i);
    same += fmt::format("{}g{} IS NOT DISTINCT FROM w{}", i == 0 ? "" : " AND ", i, i);
  }
  std::string list;
  for (const Again& again : again_) list += ", " + again.sql;
  return "WITH _input AS (" + table_rows + ") SELECT id" + list + " FROM (SELECT " + row +
         " FROM (" + sql_.guarded_row + ") WHERE r.keep) JOIN (SELECT c0 AS id" + wanted +
         " FROM given_rows()) ON " + same + " GROUP BY id";
}

// What the user's expressions see in the place of an aggregate.
std::string Rollup::final_of(std::size_t aggregate) const {
  for (std::size_t i = 0; i < again_.size(); ++i) {
    if (again_[i].aggregate == aggregate) return fmt::format("r{}_", i);
  }
  const auto undone = std::ranges::find(undone_, aggregate, &Undone::aggregate);
  CHECK(undone != undone_.end());
  if (!undone->count) return "n_";
  if (!undone->sum) return fmt::format("k{}_", *undone->count);
  const Type type = argument(sums_[*undone->sum].argument).type;
  std::string value = fmt::format("s{}_", *undone->sum);
  if (sql_.aggregates[aggregate].function == "avg") {
    value = fmt::format("CAST({} AS DOUBLE) / k{}_", value, *undone->count);
  } else if (type.kind != TypeKind::Decimal) {
    value = fmt::format("CAST({} AS HUGEINT)", value);
  }
  return fmt::format("CASE WHEN k{}_ = 0 THEN NULL ELSE {} END", *undone->count, value);
}

// A group that HAVING leaves out is kept, and not seen.
std::string Rollup::shown() const {
  if (sql_.having.empty()) return {};
  return fmt::format(", coalesce(CAST({} AS BOOLEAN), false) AS {}", sql_.having, shown_column);
}

// In: what is kept, then what was computed again, then whether the row is a difference.
Result<> Rollup::plan_merge() {
  std::vector<Type> types = kept_types();
  std::string kept = "id_";
  std::string merged = "c0 AS id_";
  std::size_t at = 1;
  const auto add = [&](const std::string& name, const std::string& expression) {
    kept += ", " + name;
    merged += fmt::format(", {} AS {}", expression, name);
    ++at;
  };
  for (std::size_t i = 0; i < sql_.groups; ++i) {
    add(fmt::format("g{}", i), fmt::format("first(c{})", at));
  }
  add("n_", fmt::format("CAST(sum(c{}) AS BIGINT)", at));
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    add(fmt::format("k{}_", i), fmt::format("CAST(sum(c{}) AS BIGINT)", at));
  }
  for (std::size_t i = 0; i < sums_.size(); ++i) {
    add(fmt::format("s{}_", i),
        fmt::format("CAST(sum(c{}) AS {})", at, engine::sql_name(sums_[i].type)));
  }
  const std::size_t difference = at + again_.size();
  for (std::size_t i = 0; i < again_.size(); ++i) {
    merged += fmt::format(", first(c{}) FILTER (WHERE c{}) AS r{}_", at + i, difference, i);
    types.push_back(again_[i].type);
  }
  types.push_back({.kind = TypeKind::Bool});
  std::string finals;
  for (std::size_t i = 0; i < sql_.aggregates.size(); ++i) {
    finals += fmt::format(", {} AS f{}", final_of(i), i);
  }
  const std::string inner = "SELECT " + sql_.results + shown() + ", " + kept + " FROM (SELECT *" +
                            finals + " FROM (SELECT " + merged + " FROM given_rows() GROUP BY c0))";
  const auto described = TRY(engine::RowQuery::open(*connection_, inner, types));
  const std::size_t all = described.columns().size();
  results_ = all - kept_types().size();
  std::string names;
  std::string list;
  for (std::size_t i = 0; i < all; ++i) {
    names += fmt::format("{}o{}", i == 0 ? "" : ", ", i);
    const std::string expression = fmt::format("o{}", i);
    Kept output{{}, expression};
    std::string name = described.columns()[i].name;
    if (i < results_) {
      output = keep_result(described.columns()[i], expression);
    } else {
      output.type = kept_types()[i - results_];
      name = std::string(hidden_prefix) + (i == results_ ? "id" : std::to_string(i - results_));
    }
    list += (i == 0 ? "" : ", ") + output.sql;
    const bool taken = std::ranges::find(columns_, name, &ColumnSchema::name) != columns_.end();
    if (taken) {
      return Error{.sqlstate = "42701",
                   .message = fmt::format("column {} is there twice", engine::quoted(name)),
                   .hint = "Give one of the two another name with AS."};
    }
    columns_.push_back({.name = std::move(name),
                        .type = output.type,
                        .attnum = static_cast<std::int16_t>(i + 1),
                        .in_key = i == results_,
                        .not_null = i == results_});
  }
  merge_ = TRY(engine::RowQuery::open(
      *connection_, "SELECT " + list + " FROM (" + inner + ") AS made(" + names + ")",
      std::move(types)));
  return {};
}

Result<> Rollup::merge(const std::vector<Column>& differences, const std::vector<Column>& before,
                       const std::vector<Column>& again, Arena& keep, std::vector<Column>& rows) {
  std::vector<Type> types = kept_types();
  for (const Again& each : again_) types.push_back(each.type);
  types.push_back({.kind = TypeKind::Bool});
  std::vector<Column> input = columns_of(types);
  const std::size_t kept = kept_types().size();
  append_all(input, differences);
  append_all(input, before);
  const std::size_t changed = differences.front().size();
  const std::size_t all = input.front().size();
  for (std::size_t i = 0; i < again_.size(); ++i) {
    Column& column = input[kept + i];
    for (std::size_t row = 0; row < changed; ++row) column.append_from(again[i], row);
    while (column.size() < all) column.append_null();
  }
  Column& is_difference = input.back();
  for (std::size_t row = 0; row < all; ++row) {
    is_difference.append(static_cast<std::uint8_t>(row < changed ? 1 : 0));
  }
  rows = columns_of(types_of(columns_));
  return run(*merge_, input, keep, rows);
}

std::int64_t Rollup::size_of(const std::vector<Column>& rows, std::size_t row) const {
  return rows[results_ + 1 + sql_.groups].get<std::int64_t>(row);
}

}  // namespace freshet::transform
