#include "query/session.h"

#include <algorithm>

#include "query/session_state.h"

namespace freshet::query {
namespace {

Error failed_block() {
  return {.sqlstate = "25P02",
          .message =
              "current transaction is aborted, commands ignored until end of transaction "
              "block"};
}

// What may run in a block that has failed.
bool ends_block(const Control& control) {
  return std::holds_alternative<Commit>(control) || std::holds_alternative<Rollback>(control);
}

std::string without_semicolon(std::string_view sql, std::vector<Token>& tokens) {
  while (!tokens.empty() && tokens.back().is(";")) tokens.pop_back();
  return std::string(tokens.empty() ? std::string_view() : sql.substr(0, tokens.back().end()));
}

// Marks the session as running for those who may interrupt it, and takes the mark off again.
class RunMark {
 public:
  RunMark(Session::State& state, std::chrono::milliseconds limit) : state_(state), limit_(limit) {
    state_.running.with([](Running& running) {
      running.now = true;
      running.stopped = Running::Why::None;
      running.stop = std::stop_source();
    });
    if (limit_.count() > 0) state_.watchdog.arm(limit_);
  }
  ~RunMark() {
    if (limit_.count() > 0) state_.watchdog.disarm();
    state_.running.with([](Running& running) { running.now = false; });
  }
  RunMark(const RunMark&) = delete;
  RunMark& operator=(const RunMark&) = delete;

 private:
  Session::State& state_;
  std::chrono::milliseconds limit_;
};

}  // namespace

Session::Session(std::unique_ptr<State> state) : state_(std::move(state)) {}

Session::~Session() {
  state_->portals.clear();
  state_->statements.clear();
  state_->unpin();
}

Result<std::unique_ptr<Session>> Session::open(collection::Store& store, const Status& status,
                                               Commands& commands, SessionOptions options) {
  auto state = std::make_unique<State>(status, commands, TRY(store.reader()));
  state->user = options.user;
  state->process_id = options.process_id;
  TRY(state->settings.set_default("session_authorization", options.user));
  for (const auto& [name, value] : options.settings) TRY(state->settings.set_default(name, value));
  TRY(state->reader->connection().execute(
      "SET integer_division = true;"
      "SET default_null_order = 'nulls_last_on_asc_first_on_desc';"
      "SET enable_progress_bar = false"));  // counting costs short statements a tenth
  TRY(state->tell_engine());
  state->reported = state->settings.reported();
  return std::unique_ptr<Session>(new Session(std::move(state)));
}

Result<> Session::prepare(const std::string& name, std::string_view sql,
                          std::vector<std::uint32_t> parameters) {
  if (!name.empty() && state_->statements.contains(name)) {
    return Error{.sqlstate = "42P05",
                 .message = "prepared statement \"" + name + "\" already exists"};
  }
  if (state_->statements.size() >= State::statements_max)
    return Error{.sqlstate = "53400", .message = "too many prepared statements in this session"};
  const RunMark mark(*state_, state_->settings.statement_timeout());
  if (name.empty()) state_->statements.erase(name);
  state_->statements[name] = TRY(state_->make(sql, std::move(parameters)));
  return {};
}

Result<StatementDescription> Session::describe(const std::string& statement) {
  const std::shared_ptr<Prepared> prepared = TRY(state_->find_statement(statement));
  return state_->describe(*prepared);
}

Result<> Session::bind(const std::string& portal, const std::string& statement,
                       std::vector<Parameter> parameters) {
  const std::shared_ptr<Prepared> prepared = TRY(state_->find_statement(statement));
  if (state_->transaction == TransactionStatus::Failed && !ends_block(prepared->control))
    return failed_block();
  if (!portal.empty() && state_->portals.contains(portal))
    return Error{.sqlstate = "42P03", .message = "cursor \"" + portal + "\" already exists"};
  if (state_->portals.size() >= State::portals_max)
    return Error{.sqlstate = "53400", .message = "too many open portals in this session"};
  state_->portals[portal] = std::make_unique<Portal>(prepared, std::move(parameters));
  return {};
}

Result<StatementDescription> Session::describe_portal(const std::string& portal) {
  const Portal* found = TRY(state_->find_portal(portal));
  if (!found->cursor) return state_->describe(found->prepared());
  return StatementDescription{.columns = found->columns()};
}

Result<Outcome> Session::execute(const std::string& portal, std::uint64_t rows_max,
                                 ResultSink& sink) {
  Portal* found = TRY(state_->find_portal(portal));
  if (state_->transaction == TransactionStatus::Failed && !ends_block(found->prepared().control))
    return failed_block();
  const std::shared_ptr<Prepared> kept = found->share();  // the end of a block drops its portal
  const RunMark mark(*state_, state_->settings.statement_timeout());
  return state_->run(portal, *found, rows_max, sink);
}

void Session::close(const std::string& statement) {
  state_->statements.erase(statement);
}

void Session::close_portal(const std::string& portal) {
  state_->portals.erase(portal);
}

void Session::finish() {
  if (state_->transaction == TransactionStatus::Idle) state_->unpin();
}

void Session::fail() {
  if (state_->transaction == TransactionStatus::Block)
    state_->transaction = TransactionStatus::Failed;
  state_->unpin();
}

TransactionStatus Session::transaction_status() const {
  return state_->transaction;
}

const Settings& Session::settings() const {
  return state_->settings;
}

std::vector<std::pair<std::string, std::string>> Session::take_changed_settings() {
  std::vector<std::pair<std::string, std::string>> now = state_->settings.reported();
  std::vector<std::pair<std::string, std::string>> changed;
  for (std::size_t i = 0; i < now.size(); ++i) {
    if (now[i].second != state_->reported[i].second) changed.push_back(now[i]);
  }
  state_->reported = std::move(now);
  return changed;
}

void Session::cancel() {
  state_->interrupt(Running::Why::Request);
}

void Session::terminate() {
  state_->interrupt(Running::Why::Shutdown);
}

std::vector<std::string> split_statements(std::string_view sql) {
  std::vector<std::string> statements;
  std::optional<std::size_t> begin;
  std::size_t end = 0;
  const auto finish = [&] {
    if (begin) statements.emplace_back(sql.substr(*begin, end - *begin));
    begin.reset();
  };
  for (const Token& token : tokenize(sql)) {
    if (token.is(";")) {
      finish();
      continue;
    }
    if (!begin) begin = token.begin;
    end = token.end();
  }
  finish();
  return statements;
}

// ---- statements ---------------------------------------------------------------------------------

Result<std::shared_ptr<Prepared>> Session::State::make(std::string_view sql,
                                                       std::vector<std::uint32_t> given) {
  auto prepared = std::make_shared<Prepared>();
  std::vector<Token> tokens = tokenize(sql);
  prepared->sql = without_semicolon(sql, tokens);
  tokens = tokenize(prepared->sql);
  if (std::ranges::any_of(tokens, [](const Token& token) { return token.is(";"); })) {
    return Error{.sqlstate = "42601",
                 .message = "cannot insert multiple commands into a prepared statement"};
  }
  Result<Control> control = classify(prepared->sql, tokens);
  if (transaction == TransactionStatus::Failed && !(control.ok() && ends_block(control.value())))
    return failed_block();
  prepared->control = TRY(std::move(control));
  prepared->given = std::move(given);
  if (const auto* query = std::get_if<Query>(&prepared->control))
    TRY(prepare_query(*prepared, query->sql));
  if (const auto* declare = std::get_if<Declare>(&prepared->control))
    TRY(prepare_query(*prepared, declare->query));
  return prepared;
}

// Positions of errors are those of the engine's query, so they hold only when it is the statement.
Result<> Session::State::prepare_query(Prepared& prepared, const std::string& sql) {
  TRY(wait_if_asked());
  TRY(pin());
  TRY(make_way(nullptr));
  Result<std::shared_ptr<EngineQuery>> query =
      EngineQuery::prepare(reader->connection(), sql, prepared.given, pins);
  if (!query.ok()) {
    Error error = std::move(query).error();
    if (const std::size_t shift = prepared.sql.find(sql);
        error.position > 0 && shift != std::string::npos) {
      error.position += static_cast<int>(shift);
    }
    return explained(std::move(error), tokenize(sql));
  }
  prepared.query = std::move(query).value();
  return {};
}

Result<std::shared_ptr<Prepared>> Session::State::find_statement(const std::string& name) const {
  const auto found = statements.find(name);
  if (found == statements.end())
    return Error{.sqlstate = "26000",
                 .message = "prepared statement \"" + name + "\" does not exist"};
  return found->second;
}

Result<Portal*> Session::State::find_portal(const std::string& name) {
  const auto found = portals.find(name);
  if (found == portals.end())
    return Error{.sqlstate = "34000", .message = "portal \"" + name + "\" does not exist"};
  return found->second.get();
}

// ---- execution ----------------------------------------------------------------------------------

Result<Outcome> Session::State::run(const std::string& name, Portal& portal, std::uint64_t rows_max,
                                    ResultSink& sink) {
  const Control& statement = portal.prepared().control;
  if (std::holds_alternative<Query>(statement)) {
    Result<Outcome> outcome = run_query(portal, rows_max, sink);
    if (!outcome.ok()) {
      Error error = explained(std::move(outcome).error(), {});
      portals.erase(name);  // its stream is of no use any more
      return error;
    }
    return outcome;
  }
  return control(portal, rows_max, sink);
}

Result<Outcome> Session::State::run_query(Portal& portal, std::uint64_t rows_max,
                                          ResultSink& sink) {
  if (!portal.started()) {
    TRY(wait_if_asked());
    TRY(pin());
    TRY(make_way(&portal));
    TRY(stopped());
    TRY(portal.prepared().query->plan_for(reader->connection(), pins));
    TRY(portal.start());
  }
  const std::uint64_t count = TRY(portal.read(rows_max, &sink, [this] { return stopped(); }));
  if (rows_max > 0 && count == rows_max) return Outcome{.kind = Outcome::Kind::Suspended};
  const bool copy = std::get<Query>(portal.prepared().control).copy.has_value();
  const bool explain = std::get<Query>(portal.prepared().control).explain;
  if (explain) return Outcome{.tag = "EXPLAIN"};
  return Outcome{.tag = (copy ? "COPY " : "SELECT ") + std::to_string(count)};
}

Result<> Session::State::pin() {
  if (pinned) return {};
  TRY(reader->begin());
  pinned = true;
  ++pins;
  return {};
}

// Lets go of the version, and of every portal that reads it; held cursors keep their rows.
void Session::State::unpin() {
  std::erase_if(portals, [](auto& entry) {
    Portal& portal = *entry.second;
    return !portal.held || !portal.started() || !portal.drain().ok();
  });
  if (pinned) reader->end();
  pinned = false;
}

// The engine streams one result at a time: whoever streams now keeps the rest of its rows.
Result<> Session::State::make_way(const Portal* except) {
  for (auto& [name, portal] : portals) {
    if (portal.get() != except && portal->streams()) TRY(portal->drain());
  }
  return {};
}

// SET freshet.wait_for_lsn: the version that is pinned next shows that position.
Result<> Session::State::wait_if_asked() {
  const std::string asked = TRY(settings.show("freshet.wait_for_lsn"));
  if (asked.empty()) return {};
  const std::optional<Lsn> lsn = parse_lsn(asked);
  TRY(settings.set("freshet.wait_for_lsn", std::string()));
  TRY(tell_variables());
  if (pinned) {
    if (transaction != TransactionStatus::Idle) {
      return Error{.sqlstate = "25001",
                   .message = "freshet.wait_for_lsn must be set before the first query of a block",
                   .hint = "A block reads one version; end it first."};
    }
    unpin();
  }
  const std::stop_token stop = running.with([](Running& now) { return now.stop.get_token(); });
  return status.wait_visible(lsn.value_or(Lsn{}), settings.wait_timeout(), stop);
}

Result<> Session::State::stopped() const {
  const Running::Why why = running.with([](const Running& now) { return now.stopped; });
  switch (why) {
    case Running::Why::None: return {};
    case Running::Why::Request:
      return Error{.sqlstate = "57014", .message = "canceling statement due to user request"};
    case Running::Why::Timeout:
      return Error{.sqlstate = "57014", .message = "canceling statement due to statement timeout"};
    case Running::Why::Shutdown:
      return Error{.sqlstate = "57P01",
                   .message = "terminating connection due to administrator command"};
  }
  return {};
}

// Under the lock, so that no interrupt arrives after its statement.
void Session::State::interrupt(Running::Why why) {
  running.with([&](Running& now) {
    if (!now.now) return;
    if (now.stopped == Running::Why::None) now.stopped = why;
    now.stop.request_stop();
    reader->connection().interrupt();
  });
}

// The engine knows neither why it was interrupted, nor that a table is on its way.
Error Session::State::explained(Error error, const std::vector<Token>& tokens) const {
  if (error.sqlstate == "57014") {
    const Result<> why = stopped();
    return why.ok() ? error : why.error();
  }
  // What our casts to regclass raise (catalog_sql.cc).
  if (error.sqlstate == "22023" && error.message.starts_with("relation \"")) {
    error.sqlstate = "42P01";
    return error;
  }
  if (error.sqlstate != "42P01") return error;
  for (const TableStatus& table : status.tables()) {
    const bool named =
        std::ranges::any_of(tokens, [&](const Token& token) { return token.name() == table.name; });
    if (!named) continue;
    const std::string name = "collection " + table.schema + "." + table.name;
    error.sqlstate = "55000";
    if (table.state == "failed") {
      error.message = name + " could not be copied";
      error.detail = table.last_error;
      error.hint = "See freshet.tables.";
    } else {
      error.message =
          name + (table.state == "waiting"       ? " is waiting to be copied"
                  : table.state == "catching_up" ? " is still catching up with its source"
                                                 : " is still being copied");
      error.hint = "SELECT * FROM freshet.progress shows how far it is.";
    }
    return error;
  }
  return error;
}

}  // namespace freshet::query
