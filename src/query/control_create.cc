#include "query/control_create.h"

#include <array>
#include <charconv>
#include <string>

#include "query/rewrite.h"
#include "query/statement_reader.h"

namespace freshet::query {
namespace {

constexpr const char* create_forms =
    "CREATE [OR REPLACE] COLLECTION [IF NOT EXISTS] [schema.]name FROM [[source.]schema.]table "
    "[WITH (primary_key = …, retention = …, on_error = reject | stop)] AS SELECT … FROM _input …";
constexpr const char* drop_forms = "DROP COLLECTION [IF EXISTS] [[source.]schema.]name";

Error bad_option(std::string message, std::string hint) {
  return {.sqlstate = "22023", .message = std::move(message), .hint = std::move(hint)};
}

// One column, or several in parentheses.
Result<std::vector<std::string>> parse_columns(StatementReader& reader) {
  std::vector<std::string> columns;
  const bool several = reader.take("(");
  do {
    columns.push_back(TRY(reader.value()));
  } while (several && reader.take(","));
  if (several && !reader.take(")")) return reader.unexpected();
  return columns;
}

Result<> parse_options(StatementReader& reader, transform::Definition& definition) {
  if (!reader.take("with")) return {};
  if (!reader.take("(")) return reader.unexpected();
  do {
    const Word name = TRY(reader.name());
    if (!reader.take("=")) return reader.unexpected();
    if (name.text == "primary_key") {
      definition.primary_key = TRY(parse_columns(reader));
    } else if (name.text == "retention") {
      const std::string value = TRY(reader.value());
      definition.retention = TRY(parse_retention(value));
    } else if (name.text == "on_error") {
      const std::string value = TRY(reader.value());
      definition.on_error = TRY(parse_on_error(value));
    } else {
      Error error = bad_option("collections have no option " + name.text,
                               "They are primary_key, retention and on_error.");
      error.position = name.position;
      return error;
    }
  } while (reader.take(","));
  if (!reader.take(")")) return reader.unexpected();
  return {};
}

}  // namespace

Result<std::string> transformation_sql(std::string_view sql) {
  const std::vector<Token> tokens = tokenize(sql);
  TRY(check_allowed(tokens));
  return rewrite(sql, tokens, {}).sql;
}

Result<std::chrono::seconds> parse_retention(std::string_view text) {
  const auto refusal = [&] {
    return bad_option("no length of time: \"" + std::string(text) + "\"",
                      "Write it as '30 days', '12 hours' or a number of seconds, at least 1.");
  };
  std::int64_t count = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (failed != std::errc{} || count <= 0) return refusal();
  std::string unit = lower(text.substr(static_cast<std::size_t>(end - text.data())));
  while (unit.starts_with(' ')) unit.erase(0, 1);
  if (unit.size() > 1 && unit.ends_with('s')) unit.pop_back();
  struct Unit {
    std::string_view name;
    std::int64_t seconds;
  };
  static constexpr std::array<Unit, 10> units{{{"", 1},
                                               {"s", 1},
                                               {"second", 1},
                                               {"minute", 60},
                                               {"h", 3600},
                                               {"hour", 3600},
                                               {"d", 86'400},
                                               {"day", 86'400},
                                               {"week", 604'800},
                                               {"year", 31'536'000}}};
  for (const Unit& each : units) {
    constexpr std::int64_t most = 100LL * 31'536'000;
    if (each.name == unit && count <= most / each.seconds) {
      return std::chrono::seconds(count * each.seconds);
    }
  }
  return refusal();
}

Result<transform::OnError> parse_on_error(std::string_view text) {
  if (equal_without_case(text, "reject")) return transform::OnError::Reject;
  if (equal_without_case(text, "stop")) return transform::OnError::Stop;
  return bad_option("on_error is \"" + std::string(text) + "\"", "It is reject or stop.");
}

Result<std::optional<Command>> parse_create(std::string_view sql,
                                            const std::vector<Token>& tokens) {
  StatementReader reader(sql, tokens, 1, create_forms);
  CreateCollection command;
  if (reader.take("or")) {
    if (!reader.take("replace")) return std::optional<Command>();
    command.replace = true;
  }
  if (!reader.take("collection")) return std::optional<Command>();
  if (reader.take("if")) {
    if (!reader.take("not") || !reader.take("exists")) return reader.unexpected();
    command.if_not_exists = true;
  }
  QualifiedName named = TRY(reader.qualified_name());
  if (!named.source.empty()) return reader.unexpected();
  command.schema = std::move(named.schema);
  command.name = std::move(named.name);
  if (!reader.take("from")) return reader.unexpected();
  QualifiedName table = TRY(reader.qualified_name());
  command.source = std::move(table.source);
  command.table_schema = std::move(table.schema);
  command.table = std::move(table.name);
  TRY(parse_options(reader, command.definition));
  if (!reader.take("as")) return reader.unexpected();
  const Word definition = TRY(reader.rest());
  auto made = transformation_sql(definition.text);
  if (!made.ok()) {
    Error error = std::move(made).error();
    if (error.position > 0) error.position += definition.position - 1;
    return error;
  }
  command.definition.sql = std::move(made).value();
  command.sql_position = definition.position;
  return std::optional<Command>(std::move(command));
}

Result<std::optional<Command>> parse_drop(std::string_view sql, const std::vector<Token>& tokens) {
  StatementReader reader(sql, tokens, 1, drop_forms);
  if (!reader.take("collection")) return std::optional<Command>();
  DropCollection command;
  if (reader.take("if")) {
    if (!reader.take("exists")) return reader.unexpected();
    command.if_exists = true;
  }
  QualifiedName named = TRY(reader.qualified_name());
  command.source = std::move(named.source);
  command.schema = std::move(named.schema);
  command.name = std::move(named.name);
  TRY(reader.done());
  return std::optional<Command>(std::move(command));
}

}  // namespace freshet::query
