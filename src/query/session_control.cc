#include <algorithm>

#include "query/session_state.h"
#include "query/text_rows.h"
#include "query/types.h"

namespace freshet::query {
namespace {

engine::ResultColumn text_column(std::string name) {
  return {.name = std::move(name), .type = {.kind = engine::LogicalKind::Text}};
}

std::unique_ptr<TextChunk> one_value(std::string value) {
  std::vector<std::vector<std::optional<std::string>>> columns(1);
  columns[0].emplace_back(std::move(value));
  return std::make_unique<TextChunk>(std::move(columns));
}

std::unique_ptr<TextChunk> all_settings(const Settings& settings) {
  std::vector<std::vector<std::optional<std::string>>> columns(3);
  for (auto& [name, value] : settings.all()) {
    columns[0].emplace_back(name);
    columns[1].emplace_back(value);
    columns[2].emplace_back("");
  }
  return std::make_unique<TextChunk>(std::move(columns));
}

std::vector<engine::ResultColumn> show_columns(const Show& show) {
  if (show.name == "all")
    return {text_column("name"), text_column("setting"), text_column("description")};
  return {text_column(show.name)};
}

Outcome done(std::string tag) {
  return {.tag = std::move(tag)};
}

Outcome warned(std::string tag, std::string sqlstate, std::string message) {
  return {.tag = std::move(tag),
          .warnings = {{.sqlstate = std::move(sqlstate), .message = std::move(message)}}};
}

bool is_private(const std::string& schema) {
  return schema.starts_with("_");
}

}  // namespace

Result<Outcome> Session::State::control(Portal& portal, std::uint64_t rows_max, ResultSink& sink) {
  const Control& statement = portal.prepared().control;
  if (const auto* value = std::get_if<Begin>(&statement)) return begin(*value);
  if (std::holds_alternative<Commit>(statement)) return end_block(true);
  if (std::holds_alternative<Rollback>(statement)) return end_block(false);
  if (const auto* value = std::get_if<Set>(&statement)) return set(*value, sink);
  if (const auto* value = std::get_if<Show>(&statement))
    return show(portal, *value, rows_max, sink);
  if (const auto* value = std::get_if<Discard>(&statement)) return discard(*value);
  if (const auto* value = std::get_if<Declare>(&statement)) return declare(portal, *value);
  if (const auto* value = std::get_if<Fetch>(&statement)) return fetch(*value, sink);
  if (const auto* value = std::get_if<Close>(&statement)) return close_cursor(*value);
  if (const auto* value = std::get_if<Accepted>(&statement)) return done(value->tag);
  if (const auto* value = std::get_if<Command>(&statement)) return command(*value);
  if (const auto* value = std::get_if<Deallocate>(&statement)) {
    if (value->name.empty()) {
      statements.clear();
      return done("DEALLOCATE ALL");
    }
    TRY(find_statement(value->name));
    statements.erase(value->name);
    return done("DEALLOCATE");
  }
  if (std::holds_alternative<ResetAll>(statement)) {
    settings.reset_all();
    TRY(tell_engine());
    return done("RESET");
  }
  return Outcome{.kind = Outcome::Kind::Empty};
}

Result<StatementDescription> Session::State::describe(const Prepared& prepared) {
  StatementDescription description;
  if (prepared.query) description.parameters = prepared.query->parameters();
  if (const auto* query = std::get_if<Query>(&prepared.control)) {
    description.copy = query->copy;
    description.columns = prepared.query->columns();
    if (query->explain) description.columns = {text_column("QUERY PLAN")};
  }
  if (const auto* show = std::get_if<Show>(&prepared.control)) {
    description.columns = show_columns(*show);
  }
  if (const auto* set = std::get_if<Set>(&prepared.control); set && !set->function_result.empty())
    description.columns = {text_column(set->function_result)};
  if (const auto* fetch = std::get_if<Fetch>(&prepared.control); fetch && !fetch->move) {
    const auto found = portals.find(fetch->cursor);
    if (found != portals.end()) description.columns = found->second->columns();
  }
  return description;
}

// ---- blocks -------------------------------------------------------------------------------------

Outcome Session::State::begin(const Begin& statement) {
  if (transaction != TransactionStatus::Idle)
    return warned(statement.tag, "25001", "there is already a transaction in progress");
  transaction = TransactionStatus::Block;
  settings_at_begin = settings;
  return done(statement.tag);
}

Outcome Session::State::end_block(bool commit) {
  if (transaction == TransactionStatus::Idle) {
    return warned(commit ? "COMMIT" : "ROLLBACK", "25P01", "there is no transaction in progress");
  }
  const bool kept = commit && transaction == TransactionStatus::Block;
  transaction = TransactionStatus::Idle;
  unpin();
  if (!kept) {
    restore_settings(settings_at_begin);
  } else if (!local_settings.empty()) {
    Settings before = settings;
    for (const auto& [name, value] : local_settings) ignore(before.set(name, value));
    restore_settings(before);
  }
  local_settings.clear();
  return done(kept ? "COMMIT" : "ROLLBACK");
}

void Session::State::restore_settings(const Settings& before) {
  if (before.all() == settings.all()) return;
  settings = before;
  ignore(tell_engine());  // values the engine has accepted before
}

// ---- settings -----------------------------------------------------------------------------------

Result<Outcome> Session::State::set(const Set& statement, ResultSink& sink) {
  if (statement.only_transaction) {
    if (transaction == TransactionStatus::Idle && statement.function_result.empty())
      return warned("SET", "25P01", "SET LOCAL can only be used in transaction blocks");
    const Result<std::string> before = settings.show(statement.name);
    if (before.ok()) local_settings.emplace(lower(statement.name), before.value());
  }
  TRY(assign(statement.name, statement.value));
  if (!statement.function_result.empty()) {
    const std::unique_ptr<TextChunk> row = one_value(statement.value.value_or(""));
    TRY(sink.rows(*row, 0, 1));
  }
  return done(statement.tag);
}

Result<> Session::State::assign(const std::string& name, const std::optional<std::string>& value) {
  const Settings before = settings;
  TRY(settings.set(name, value));
  const std::string key = lower(name);
  if (key != "timezone" && key != "search_path") return tell_variables();
  Result<> told = tell_engine();
  if (told.ok()) return {};
  settings = before;
  ignore(tell_engine());
  return Error{
      .sqlstate = "22023",
      .message = "invalid value for parameter \"" + name + "\": \"" + value.value_or("") + "\"",
      .detail = told.error().message};
}

// The engine's own settings follow ours; so do the variables that macros of _catalog read.
Result<> Session::State::tell_engine() {
  engine::Connection& connection = reader->connection();
  const engine::TextRows rows = TRY(
      connection.query("SELECT schema_name FROM duckdb_schemas() WHERE database_name = 'store'"));
  std::string path;
  std::string names;
  for (const std::string& schema : settings.search_path()) {
    const bool exists = std::ranges::any_of(
        rows, [&](const auto& row) { return row.front() && *row.front() == schema; });
    if (!exists || is_private(schema) || schema == "main") continue;
    path += "store." + engine::quoted(schema) + ",";
    names += (names.empty() ? "" : ", ") + engine::literal(schema);
  }
  TRY(connection.execute(
      "SET TimeZone = " + engine::literal(settings.time_zone()) +
      ";SET search_path = " + engine::literal(path + "store._catalog,memory._functions") +
      ";SET VARIABLE freshet_path = [" + names + "]::VARCHAR[]" + ";SET VARIABLE freshet_user = " +
      engine::literal(user) + ";SET VARIABLE freshet_pid = " + std::to_string(process_id)));
  return tell_variables();
}

// One text, |name=value|…|, because the engine takes milliseconds to plan a map of so many.
Result<> Session::State::tell_variables() {
  constexpr char separator = 30;  // as in current_setting() of _catalog
  std::string text(1, separator);
  for (const auto& [name, value] : settings.all()) text += lower(name) + "=" + value + separator;
  return reader->connection().execute("SET VARIABLE freshet_settings = " + engine::literal(text));
}

Result<Outcome> Session::State::show(Portal& portal, const Show& statement, std::uint64_t rows_max,
                                     ResultSink& sink) {
  if (!portal.started()) {
    if (statement.name == "all") {
      portal.start_with(all_settings(settings), show_columns(statement));
    } else {
      portal.start_with(one_value(TRY(settings.show(statement.name))), show_columns(statement));
    }
  }
  const std::uint64_t count = TRY(portal.read(rows_max, &sink, [this] { return stopped(); }));
  if (rows_max > 0 && count == rows_max) return Outcome{.kind = Outcome::Kind::Suspended};
  return done("SHOW");
}

Outcome Session::State::discard(const Discard& statement) {
  if (statement.what == "all") {
    portals.clear();
    statements.clear();
    settings.reset_all();
    ignore(tell_engine());  // the defaults were accepted when the session opened
    return done("DISCARD ALL");
  }
  if (statement.what == "plans") return done("DISCARD PLANS");
  return done(statement.what == "sequences" ? "DISCARD SEQUENCES" : "DISCARD TEMP");
}

// ---- cursors ------------------------------------------------------------------------------------

Result<Outcome> Session::State::declare(Portal& portal, const Declare& statement) {
  if (transaction == TransactionStatus::Idle && !statement.hold) {
    return Error{.sqlstate = "25P01",
                 .message = "DECLARE CURSOR can only be used in transaction blocks"};
  }
  if (portals.contains(statement.cursor)) {
    return Error{.sqlstate = "42P03",
                 .message = "cursor \"" + statement.cursor + "\" already exists"};
  }
  TRY(wait_if_asked());
  TRY(pin());
  TRY(make_way(nullptr));
  auto cursor = std::make_unique<Portal>(portal.share(), portal.parameters());
  cursor->cursor = true;
  cursor->held = statement.hold;
  TRY(cursor->prepared().query->plan_for(reader->connection(), pins));
  TRY(cursor->start());
  portals[statement.cursor] = std::move(cursor);
  return done("DECLARE CURSOR");
}

Result<Outcome> Session::State::fetch(const Fetch& statement, ResultSink& sink) {
  const auto found = portals.find(statement.cursor);
  if (found == portals.end()) {
    return Error{.sqlstate = "34000",
                 .message = "cursor \"" + statement.cursor + "\" does not exist"};
  }
  Portal& cursor = *found->second;
  const bool none = statement.rows && *statement.rows == 0;
  std::uint64_t count = 0;
  if (!none) {
    count = TRY(cursor.read(statement.rows.value_or(0), statement.move ? nullptr : &sink,
                            [this] { return stopped(); }));
  }
  return done((statement.move ? "MOVE " : "FETCH ") + std::to_string(count));
}

Result<Outcome> Session::State::close_cursor(const Close& statement) {
  if (statement.cursor.empty()) {
    std::erase_if(portals, [](const auto& entry) { return entry.second->cursor; });
    return done("CLOSE CURSOR ALL");
  }
  if (!portals.contains(statement.cursor)) {
    return Error{.sqlstate = "34000",
                 .message = "cursor \"" + statement.cursor + "\" does not exist"};
  }
  portals.erase(statement.cursor);
  return done("CLOSE CURSOR");
}

// ---- commands -----------------------------------------------------------------------------------

// Like PostgreSQL's commands that cannot be rolled back. What follows sees what it has done.
Result<Outcome> Session::State::command(Command asked) {
  const std::string tag(tag_of(asked));
  if (transaction != TransactionStatus::Idle) {
    return Error{.sqlstate = "25001",
                 .message = tag + " cannot run inside a transaction block",
                 .hint = "It takes effect at once and cannot be rolled back."};
  }
  unpin();
  const auto meant = TRY(resolve(std::move(asked), status.tables(), settings.search_path()));
  if (!meant) return Outcome{.tag = tag};
  const std::stop_token stop = running.with([](Running& now) { return now.stop.get_token(); });
  auto notes = commands.run(*meant, stop);
  TRY(stopped());
  return Outcome{.tag = tag, .warnings = TRY(std::move(notes))};
}

}  // namespace freshet::query
