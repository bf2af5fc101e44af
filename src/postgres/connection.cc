#include "postgres/connection.h"

#include <fmt/core.h>
#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <utility>

#include "postgres/connection_errors.h"
#include "postgres/connection_handle.h"
#include "postgres/connection_url.h"
#include "postgres/session_settings.h"
#include "postgres/sqlstate.h"

namespace freshet::postgres {

namespace {

// Keywords and values in the two arrays that libpq takes. The last value of a keyword counts.
class Parameters {
 public:
  void set(std::string keyword, std::string value) {
    options_.push_back({std::move(keyword), std::move(value)});
  }
  PGconn* start() const {
    std::vector<const char*> keywords;
    std::vector<const char*> values;
    for (const UrlOption& option : options_) {
      keywords.push_back(option.keyword.c_str());
      values.push_back(option.value.c_str());
    }
    keywords.push_back(nullptr);
    values.push_back(nullptr);
    return PQconnectStartParams(keywords.data(), values.data(), 0);
  }

 private:
  std::vector<UrlOption> options_;
};

Parameters parameters_for(const std::vector<UrlOption>& url, const ConnectOptions& options) {
  Parameters parameters;
  // What the URL may override comes before it, what it may not comes after.
  parameters.set("keepalives_idle", "30");
  parameters.set("keepalives_interval", "10");
  parameters.set("keepalives_count", "3");
  parameters.set("tcp_user_timeout", "60000");
  for (const UrlOption& option : url) parameters.set(option.keyword, option.value);
  const std::string own = option_value(url, "options");
  parameters.set("options",
                 (own.empty() ? own : own + ' ') + startup_options(options.lock_timeout));
  parameters.set("client_encoding", "UTF8");
  parameters.set("application_name", options.application_name);
  if (options.replication) parameters.set("replication", "database");
  return parameters;
}

// Drives the connection until it stands, has failed, or the time is over.
Result<> finish_connecting(const Connection::Handle& handle, std::chrono::seconds limit,
                           const std::stop_token& stop) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point deadline = Clock::now() + limit;
  PostgresPollingStatusType status = PGRES_POLLING_WRITING;
  for (;;) {
    if (status == PGRES_POLLING_OK) return {};
    if (status == PGRES_POLLING_FAILED || PQsocket(handle.get()) < 0) {
      return connect_error(PQerrorMessage(handle.get()));
    }
    const short events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    const auto woken = handle.socket_wait.wait(PQsocket(handle.get()), events, stop, left);
    if (woken == SocketWait::Woken::Stopped) {
      return Error{.fault = Fault::Transient,
                   .sqlstate = sqlstate::query_canceled,
                   .message = "stopped on request"};
    }
    if (woken == SocketWait::Woken::TimedOut) {
      return Error{.fault = Fault::Transient,
                   .sqlstate = sqlstate::cannot_connect,
                   .message = fmt::format("no answer within {} s", limit.count()),
                   .hint = std::string(hint_for(sqlstate::cannot_connect))};
    }
    status = PQconnectPoll(handle.get());
  }
}

// libpq does not print passwords; this holds even if a server or a later libpq did.
void hide_secrets(Error& error, const std::vector<UrlOption>& url) {
  for (const UrlOption& option : url) {
    if (!is_secret(option.keyword) || option.value.size() < 3) continue;
    // What stands in the error for another reason, such as a user called like his password.
    const bool is_public = std::ranges::any_of(url, [&](const UrlOption& other) {
      return !is_secret(other.keyword) && other.value == option.value;
    });
    if (is_public) continue;
    for (std::string* text : {&error.message, &error.detail, &error.hint}) {
      for (std::size_t at = text->find(option.value); at != std::string::npos;
           at = text->find(option.value)) {
        text->replace(at, option.value.size(), "…");
      }
    }
  }
}

}  // namespace

Result<Rows> rows_of(const PGconn* connection, const PGresult* result) {
  switch (PQresultStatus(result)) {
    case PGRES_TUPLES_OK:
    case PGRES_COMMAND_OK:
    case PGRES_EMPTY_QUERY: break;
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
      return Error{.sqlstate = sqlstate::feature_not_supported, .message = "COPY within a query"};
    case PGRES_BAD_RESPONSE:
    case PGRES_NONFATAL_ERROR:
    case PGRES_FATAL_ERROR:
    case PGRES_SINGLE_TUPLE:
    case PGRES_PIPELINE_SYNC:
    case PGRES_PIPELINE_ABORTED: return statement_error(connection, result);
  }
  Rows rows;
  const int columns = PQnfields(result);
  for (int column = 0; column < columns; ++column)
    rows.columns.emplace_back(PQfname(result, column));
  rows.rows.resize(static_cast<std::size_t>(PQntuples(result)));
  for (int row = 0; row < PQntuples(result); ++row) {
    auto& values = rows.rows[static_cast<std::size_t>(row)];
    values.resize(static_cast<std::size_t>(columns));
    for (int column = 0; column < columns; ++column) {
      if (PQgetisnull(result, row, column) != 0) continue;
      const auto size = static_cast<std::size_t>(PQgetlength(result, row, column));
      values[static_cast<std::size_t>(column)].emplace(PQgetvalue(result, row, column), size);
    }
  }
  return rows;
}

Result<std::unique_ptr<Connection>> Connection::connect(const std::string& url,
                                                        ConnectOptions options) {
  const std::vector<UrlOption> parsed = TRY(parse_url(url));
  auto handle = std::make_unique<Handle>();
  handle->connection.reset(parameters_for(parsed, options).start());
  if (handle->get() == nullptr) {
    return Error{.fault = Fault::Transient, .sqlstate = "53200", .message = "out of memory"};
  }
  // With codes in its texts; a silent receiver of notices, which would go to stderr.
  PQsetErrorVerbosity(handle->get(), PQERRORS_VERBOSE);
  PQsetNoticeReceiver(
      handle->get(), [](void*, const PGresult*) {}, nullptr);

  // Several hosts share one deadline that is long enough for all of them.
  const std::string hosts = option_value(parsed, "host");
  const auto limit = options.connect_timeout * (1 + std::ranges::count(hosts, ','));
  const Result<> connected = finish_connecting(*handle, limit, options.stop);
  if (!connected.ok()) {
    Error error = connected.error();
    hide_secrets(error, parsed);
    return std::move(error).with_context("connect to " + without_password(url));
  }
  std::unique_ptr<Connection> connection(new Connection(std::move(handle)));
  TRY(connection->pin_settings(options).context("connect to " + without_password(url)));
  return connection;
}

Result<> Connection::pin_settings(const ConnectOptions& options) {
  const int version = server_version();
  // A walsender takes SQL since 10.
  if (options.replication && version < 100000) return {};
  std::string sql = settings_since(version);
  // The bytes as they are from a database in SQL_ASCII, whose server would break off at the first
  // that is no UTF-8.
  if (parameter("server_encoding") == "SQL_ASCII") sql += "SET client_encoding = 'SQL_ASCII';";
  if (options.replication) sql += patience_of_walsender(version);
  if (!sql.empty()) TRY(query(sql));
  return {};
}

Connection::Connection(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}
Connection::~Connection() = default;

Result<Rows> Connection::query(std::string_view sql) {
  if (handle_->answers_within) return handle_->query_within_limit(std::string(sql));
  const ResultPtr result(PQexec(handle_->get(), std::string(sql).c_str()), &PQclear);
  return rows_of(handle_->get(), result.get());
}

Result<Rows> Connection::query(const std::string& sql,
                               const std::vector<std::optional<std::string>>& parameters) {
  std::vector<const char*> values;
  values.reserve(parameters.size());
  for (const auto& parameter : parameters)
    values.push_back(parameter ? parameter->c_str() : nullptr);
  const ResultPtr result(PQexecParams(handle_->get(), sql.c_str(), static_cast<int>(values.size()),
                                      nullptr, values.data(), nullptr, nullptr, 0),
                         &PQclear);
  return rows_of(handle_->get(), result.get());
}

int Connection::server_version() const {
  return PQserverVersion(handle_->get());
}

std::string Connection::parameter(const char* name) const {
  const char* value = PQparameterStatus(handle_->get(), name);
  return value == nullptr ? std::string{} : std::string(value);
}

int Connection::backend_pid() const {
  return PQbackendPID(handle_->get());
}

std::string Connection::host() const {
  const char* value = PQhost(handle_->get());
  return value == nullptr ? std::string{} : std::string(value);
}

std::string Connection::port() const {
  const char* value = PQport(handle_->get());
  return value == nullptr ? std::string{} : std::string(value);
}

}  // namespace freshet::postgres
