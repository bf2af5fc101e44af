// A connection to a PostgreSQL server, over libpq; only postgres/*.cc knows libpq.
//
// Every setting that changes how values look is pinned when the connection opens (ISO dates, UTC,
// exact floats, hex bytea, UTF8), so a role's or a database's defaults cannot leak into the data.
// The search path is empty: SQL sent here names its schemas (public.orders).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace freshet::postgres {

struct ConnectOptions {
  bool replication = false;  // replication=database: a walsender
  std::string application_name = "freshet";
  std::chrono::seconds connect_timeout{10};
  std::chrono::milliseconds lock_timeout{0};  // 0: none
  std::stop_token stop{};                     // ends connecting
};

// A result with its rows as text. Columns by position.
struct Rows {
  std::vector<std::string> columns;
  std::vector<std::vector<std::optional<std::string>>> rows;
};

// One thread.
class Connection {
 public:
  // `url` is a URI or a key=value string of libpq. Errors never contain the password.
  static Result<std::unique_ptr<Connection>> connect(const std::string& url,
                                                     ConnectOptions options);
  ~Connection();

  // Simple query protocol. The last statement's rows.
  Result<Rows> query(std::string_view sql);
  // With parameters $1 … as text.
  Result<Rows> query(const std::string& sql,
                     const std::vector<std::optional<std::string>>& parameters);

  // From now on query(sql) waits for its answer no longer than this, nor when asked to stop: it
  // then fails with 08006, transient, and the connection is of no further use. Nothing is
  // cancelled, because that takes a network that works.
  void limit_answers(std::stop_token stop, std::chrono::milliseconds limit);
  // How long nothing has come from the server.
  std::chrono::milliseconds silent_for() const;

  // The same for a statement that may wait long on the server: asked to stop, or when `limit` is
  // over, it is cancelled and fails with 57014, transient.
  Result<Rows> query(std::string_view sql, std::stop_token stop, std::chrono::milliseconds limit);

  // COPY … TO STDOUT: calls `sink` with each CopyData payload. Asked to stop, it cancels and fails
  // with 57014.
  Result<> copy_out(const std::string& sql, const std::function<Result<>(Bytes)>& sink,
                    std::stop_token stop);

  // CopyBoth, for replication: starts it; reads one payload (valid until the next call; nothing
  // within `wait`); writes one payload.
  Result<> start_copy_both(const std::string& sql);
  Result<std::optional<Bytes>> read_copy(std::stop_token stop, std::chrono::milliseconds wait);
  Result<> write_copy(Bytes payload);
  // Says that we are done, and drops what still comes until the server agrees or `limit` is over.
  // The connection is of no further use.
  Result<> end_copy(std::chrono::milliseconds limit);

  int server_version() const;                     // server_version_num: 150018
  std::string parameter(const char* name) const;  // a reported parameter, "" when unknown
  int backend_pid() const;   // as the server said at the start of the connection
  std::string host() const;  // where it leads
  std::string port() const;

  struct Handle;

 private:
  explicit Connection(std::unique_ptr<Handle> handle);
  Result<> pin_settings(const ConnectOptions& options);
  std::unique_ptr<Handle> handle_;
};

std::string quoted(std::string_view identifier);  // "a""b"
std::string literal(std::string_view text);       // 'it''s', E'' when it has a backslash

// `url` without its password, for people and logs.
std::string without_password(const std::string& url);
// What a connection string says itself about where it leads; several hosts by commas.
struct Endpoint {
  std::string host;
  std::string port;
  std::string user;
};
Endpoint endpoint_of(const std::string& url);
// The sslmode a connection string asks for, by itself or through PGSSLMODE and its kin.
std::string ssl_mode(const std::string& url);

// What somebody typed and we do not understand, without the passwords that look like ones in it.
std::string without_secrets(std::string_view typed);
// The database name `url` leads to, as libpq would find it; a service's name when it decides.
std::string database_name(const std::string& url);

}  // namespace freshet::postgres
