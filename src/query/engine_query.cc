#include "query/engine_query.h"

#include <algorithm>
#include <array>

#include "engine/json_path.h"
#include "engine/numeric_value.h"
#include "query/types.h"

namespace freshet::query {
namespace {

// What an untyped parameter may be, the likeliest first.
constexpr std::array<std::pair<std::uint32_t, const char*>, 7> guesses = {
    {{oid::text, "VARCHAR"},
     {oid::int8, "BIGINT"},
     {1016, "BIGINT[]"},
     {1009, "VARCHAR[]"},
     {oid::float8, "DOUBLE"},
     {oid::timestamptz, "TIMESTAMPTZ"},
     {oid::interval, "INTERVAL"}}};

std::size_t bytes_of_characters(std::string_view text, std::size_t characters) {
  std::size_t at = 0;
  while (at < text.size() && characters > 0) {
    ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) ++at;
    --characters;
  }
  return at;
}

int characters_of_bytes(std::string_view text, std::size_t bytes) {
  const std::string_view head = text.substr(0, bytes);
  return static_cast<int>(std::ranges::count_if(
      head, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// What stands before the names of our aggregates (engine/numeric_value.h).
constexpr std::string_view ours = "numeric_";

// Whether sum or avg is called at this byte, and not over a window.
bool is_plain_aggregate(const std::string& sql, std::size_t byte) {
  const std::vector<Token> tokens = tokenize(sql);
  auto at =
      static_cast<std::size_t>(std::ranges::find(tokens, byte, &Token::begin) - tokens.begin());
  const auto is = [&](std::string_view word) { return at < tokens.size() && tokens[at].is(word); };
  if (!is("sum") && !is("avg")) return false;
  ++at;
  if (!is("(")) return false;
  at = matching_close(tokens, at) + 1;
  if (is("filter") && at + 1 < tokens.size()) at = matching_close(tokens, at + 1) + 1;
  return !is("over");
}

// Numbers and truths are bound as they are; everything else arrives as text and is cast.
bool is_bound_directly(std::uint32_t type_oid) {
  return type_oid == oid::boolean || type_oid == oid::int2 || type_oid == oid::int4 ||
         type_oid == oid::int8 || type_oid == oid::float4 || type_oid == oid::float8 ||
         type_oid == oid::text;
}

// The engine's type for a parameter it inferred; a numeric is wider than the column it meets, so
// that 1.234 does not equal 1.23.
std::uint32_t inferred_oid(const engine::LogicalType& type) {
  if (type.kind == engine::LogicalKind::Null || type.kind == engine::LogicalKind::Other) return 0;
  return type_oid(type);
}

Result<> bind_one(engine::Statement& statement, std::size_t index, const Parameter& value) {
  if (std::holds_alternative<std::monostate>(value)) return statement.bind_null(index);
  if (const auto* truth = std::get_if<bool>(&value)) return statement.bind_bool(index, *truth);
  if (const auto* number = std::get_if<std::int64_t>(&value))
    return statement.bind_int64(index, *number);
  if (const auto* real = std::get_if<double>(&value)) return statement.bind_double(index, *real);
  if (const auto* text = std::get_if<std::string>(&value)) return statement.bind_text(index, *text);
  return statement.bind_bytes(index, as_bytes(std::get<Blob>(value).bytes));
}

}  // namespace

EngineQuery::EngineQuery(std::string sql, std::vector<std::uint32_t> given)
    : sql_(std::move(sql)), tokens_(tokenize(sql_)), parameters_(std::move(given)) {}

Result<std::shared_ptr<EngineQuery>> EngineQuery::prepare(engine::Connection& connection,
                                                          std::string sql,
                                                          std::vector<std::uint32_t> given,
                                                          std::uint64_t pin) {
  const std::shared_ptr<EngineQuery> query(new EngineQuery(std::move(sql), std::move(given)));
  TRY(check_allowed(query->tokens_));
  TRY(query->settle(connection));
  query->planned_for_ = pin;
  return query;
}

Result<> EngineQuery::attempt(engine::Connection& connection) {
  rewritten_ = rewrite(sql_, tokens_, casts_);
  while (true) {
    Result<std::unique_ptr<engine::Statement>> prepared = connection.prepare(rewritten_.sql);
    if (prepared.ok()) {
      statement_ = std::move(prepared).value();
      return {};
    }
    const Error& error = prepared.error();
    if (!take_our_aggregate(error) && !follow_path(error))
      return located(std::move(prepared).error());
  }
}

// payload.user.name, where payload is jsonb.
bool EngineQuery::follow_path(const Error& error) {
  const auto place = engine::path_into_jsonb(rewritten_.sql, error);
  if (!place) return false;
  rewritten_.insert(place->end, engine::behind_jsonb);
  rewritten_.insert(place->begin, engine::before_jsonb);
  return true;
}

// The engine's sum and avg do not take a numeric without a precision, and nobody may add to them:
// where one fails because of that, ours (engine/numeric_value.h) takes its place. Not in windows:
// there the engine hands such a function states that are not there (all rows share the first).
bool EngineQuery::take_our_aggregate(const Error& error) {
  if (error.position <= 0 || error.message.find(engine::numeric_value_alias) == std::string::npos) {
    return false;
  }
  const std::size_t at =
      bytes_of_characters(rewritten_.sql, static_cast<std::size_t>(error.position - 1));
  if (!is_plain_aggregate(rewritten_.sql, at)) return false;
  rewritten_.insert(at, ours);
  return true;
}

// After this every parameter has a type and the statement its columns.
Result<> EngineQuery::settle(engine::Connection& connection) {
  const std::size_t count = parameter_count(tokens_);
  if (count > 65535)
    return Error{.sqlstate = "54023", .message = "a statement can have 65535 parameters at most"};
  parameters_.resize(std::max(count, parameters_.size()), 0);
  casts_.resize(parameters_.size());
  std::vector<bool> open(parameters_.size());
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    if (parameters_[i] == oid::unknown) parameters_[i] = 0;
    open[i] = parameters_[i] == 0;
    if (!open[i]) casts_[i] = engine_cast(parameters_[i]);
  }
  Result<> first = attempt(connection);
  const bool any_open = std::ranges::find(open, true) != open.end();
  if (!first.ok() && !any_open) return first;
  if (any_open && (!first.ok() || !settle_known(open))) {
    // Some are still without a type: the first guess that makes sense for all of them is taken.
    Result<> tried = std::move(first);
    for (const auto& [type, cast] : guesses) {
      for (std::size_t i = 0; i < open.size(); ++i) {
        if (!open[i]) continue;
        parameters_[i] = type;
        casts_[i] = cast;
      }
      Result<> outcome = attempt(connection);
      if (type == oid::text || outcome.ok()) tried = std::move(outcome);
      if (tried.ok()) break;
    }
    TRY(std::move(tried));
  } else if (any_open && std::ranges::any_of(casts_, [](const auto& c) { return !c.empty(); })) {
    TRY(attempt(connection));
  }
  if (!statement_->reads_only()) {
    return Error{.sqlstate = "25006",
                 .message = "cannot execute this statement in a read-only transaction",
                 .hint = "Collections follow their source: make the change there."};
  }
  columns_ = statement_->columns();
  for (engine::ResultColumn& column : columns_) {
    if (column.name.starts_with("numeric_sum(") || column.name.starts_with("numeric_avg(")) {
      column.name.erase(0, ours.size());
    }
  }
  return {};
}

// Takes over what the engine inferred. False when some parameters remain open.
bool EngineQuery::settle_known(std::vector<bool>& open) {
  bool all = true;
  for (std::size_t i = 0; i < open.size(); ++i) {
    if (!open[i]) continue;
    const std::uint32_t type =
        i < statement_->parameter_count() ? inferred_oid(statement_->parameter_type(i)) : 0;
    if (type == 0) {
      all = false;
      continue;
    }
    parameters_[i] = type;
    casts_[i] = is_bound_directly(type) ? std::string() : engine_cast(type);
    open[i] = false;
  }
  return all;
}

Result<> EngineQuery::plan_for(engine::Connection& connection, std::uint64_t pin) {
  if (planned_for_ == pin) return {};
  TRY(attempt(connection));
  planned_for_ = pin;
  return {};
}

Result<std::unique_ptr<engine::RowStream>> EngineQuery::execute(
    const std::vector<Parameter>& parameters) {
  if (parameters.size() != parameters_.size()) {
    return Error{.sqlstate = "08P01",
                 .message = "bind message supplies " + std::to_string(parameters.size()) +
                            " parameters, but the statement requires " +
                            std::to_string(parameters_.size())};
  }
  const std::size_t used = std::min(parameters.size(), statement_->parameter_count());
  for (std::size_t i = 0; i < used; ++i) TRY(bind_one(*statement_, i, parameters[i]));
  Result<std::unique_ptr<engine::RowStream>> stream = statement_->execute();
  if (!stream.ok()) return located(std::move(stream).error());
  const std::vector<engine::ResultColumn>& now = stream.value()->columns();
  if (!std::ranges::equal(now, columns_, {}, &engine::ResultColumn::type,
                          &engine::ResultColumn::type)) {
    return Error{.sqlstate = "0A000",
                 .message = "cached plan must not change result type",
                 .hint = "A column of the table changed; prepare the statement again."};
  }
  return stream;
}

// Moves the position of an error from the engine's text to the client's.
Error EngineQuery::located(Error error) const {
  if (error.position <= 0) return error;
  const std::size_t byte =
      bytes_of_characters(rewritten_.sql, static_cast<std::size_t>(error.position - 1));
  const int original = rewritten_.original_position(static_cast<int>(byte) + 1);
  error.position =
      original > 0 ? characters_of_bytes(sql_, static_cast<std::size_t>(original - 1)) + 1 : 0;
  return error;
}

}  // namespace freshet::query
