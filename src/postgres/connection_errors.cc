#include "postgres/connection_errors.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include "postgres/sqlstate.h"

namespace freshet::postgres {

namespace {

std::string field(const PGresult* result, int code) {
  const char* text = PQresultErrorField(result, code);
  return text == nullptr ? std::string{} : std::string(text);
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// "FATAL:  28P01: password authentication failed": severity (translated), two spaces, the code.
struct Coded {
  std::string code;
  std::string message;
};
std::optional<Coded> coded_message(std::string_view text) {
  const auto is_code = [](std::string_view code) {
    return std::ranges::all_of(
        code, [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); });
  };
  // The last host's answer counts.
  for (std::size_t at = text.rfind(":  "); at != std::string_view::npos && at > 0;
       at = text.rfind(":  ", at - 1)) {
    const std::string_view rest = text.substr(at + 3);
    if (rest.size() < 7 || rest.substr(5, 2) != ": " || !is_code(rest.substr(0, 5))) continue;
    const std::string_view message = rest.substr(7);
    return Coded{std::string(rest.substr(0, 5)),
                 std::string(message.substr(0, message.find('\n')))};
  }
  return std::nullopt;
}

// What libpq finds out by itself has no SQLSTATE. These do not pass by waiting.
bool needs_somebody(std::string_view text) {
  return contains(text, "SSL") || contains(text, "certificate") || contains(text, "sslmode") ||
         contains(text, "authentication method") || contains(text, "SASL") ||
         contains(text, "invalid port") || contains(text, "private key");
}

}  // namespace

std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const bool space = c == '\n' || c == '\t' || c == ' ';
    if (space && (line.empty() || line.back() == ' ')) continue;
    line += space ? ' ' : c;
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

Error statement_error(const PGconn* connection, const PGresult* result) {
  const std::string code = field(result, PG_DIAG_SQLSTATE);
  if (code.empty()) return broken_error(connection);
  Error error{.fault = fault_of(code),
              .sqlstate = code,
              .message = one_line(field(result, PG_DIAG_MESSAGE_PRIMARY)),
              .detail = one_line(field(result, PG_DIAG_MESSAGE_DETAIL)),
              .hint = one_line(field(result, PG_DIAG_MESSAGE_HINT))};
  if (error.hint.empty()) error.hint = hint_for(code);
  const std::string position = field(result, PG_DIAG_STATEMENT_POSITION);
  std::from_chars(position.data(), position.data() + position.size(), error.position);
  return error;
}

Error broken_error(const PGconn* connection) {
  const std::string_view libpq_text = PQerrorMessage(connection);
  // Last words of a server that shuts down arrive as text of the connection.
  const auto coded = coded_message(libpq_text);
  std::string text = one_line(libpq_text);
  if (text.empty()) text = "the connection is closed";
  const std::string code = coded ? coded->code : sqlstate::connection_failure;
  return {.fault = fault_of(code),
          .sqlstate = code,
          .message = coded ? coded->message : text,
          .hint = std::string(hint_for(code))};
}

Error connect_error(const std::string& libpq_text) {
  if (const auto coded = coded_message(libpq_text)) {
    return {.fault = fault_of(coded->code),
            .sqlstate = coded->code,
            .message = coded->message,
            .hint = std::string(hint_for(coded->code))};
  }
  const std::string text = one_line(libpq_text);
  if (contains(text, "no password supplied")) {
    return {.fault = Fault::Permanent,
            .sqlstate = sqlstate::invalid_password,
            .message = "the server wants a password and none was given",
            .hint =
                "Put it into the URL (postgresql://user:password@…), into ~/.pgpass or into "
                "PGPASSWORD."};
  }
  const bool permanent = needs_somebody(text);
  return {.fault = permanent ? Fault::Permanent : Fault::Transient,
          .sqlstate = sqlstate::cannot_connect,
          .message = text,
          .hint = permanent ? std::string{} : std::string(hint_for(sqlstate::cannot_connect))};
}

}  // namespace freshet::postgres
