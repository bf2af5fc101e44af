// What each path answers, without sockets: a request is three strings, a response is data.
//
//   /              a page for people       /health/live    the process answers
//   /metrics       Prometheus text         /health/ready   200, or 503 and the reasons
//   /v1/statements takes statements (statements.h); it is not answered from memory, so not here
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "query/status.h"

namespace freshet::http {

struct Request {
  std::string_view method;
  std::string_view target;                   // path, with a query behind `?` or without
  std::string_view accept;                   // as the client sent it, or empty
  std::string_view host{};                   // likewise; empty also when it was sent twice
  std::optional<std::string_view> origin{};  // of the page that sent it, as a browser says
  std::string_view content_type{};
  std::string_view body{};
};

struct Response {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body{};
  std::string allow{};  // methods, for 405
};

// What the page for people says.
struct About {
  std::string sql_address;
  std::string version;
};

inline constexpr std::string_view json_type = "application/json";

// The path without its query.
std::string_view path_of(const Request& request);
bool is_for_statements(const Request& request);

// What all other paths answer.
Response respond(const Request& request, const About& about, const query::Status& status);

// As every error is told: {"error":{"status":404,"message":…,"hint":…}}
Response error_response(int status, std::string_view message, std::string_view hint);

}  // namespace freshet::http
