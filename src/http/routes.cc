#include "http/routes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <vector>

#include "http/status_metrics.h"
#include "http/text.h"
#include "observe/metrics.h"

namespace freshet::http {
namespace {

constexpr std::string_view metrics_type = "text/plain; version=0.0.4; charset=utf-8";
constexpr std::string_view endpoints =
    "/, /health/live, /health/ready, /metrics and /v1/statements";

bool wants_json(const Request& request) {
  const auto same_letter = [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) == b;
  };
  return !std::ranges::search(request.accept, json_type, same_letter).empty();
}

Response text_response(std::string text) {
  return {.body = std::move(text)};
}

Response json_response(int status, std::string json) {
  return {.status = status, .content_type = std::string(json_type), .body = std::move(json)};
}

Response live(const Request& request) {
  if (wants_json(request)) return json_response(200, "{\"status\":\"live\"}\n");
  return text_response("live\n");
}

Response ready(const Request& request, const query::Status& status) {
  const std::vector<std::string> reasons = status.not_ready();
  const int code = reasons.empty() ? 200 : 503;
  if (wants_json(request)) {
    std::string quoted;
    for (const std::string& reason : reasons) {
      if (!quoted.empty()) quoted += ',';
      quoted += json_quoted(reason);
    }
    return json_response(code, fmt::format("{{\"status\":\"{}\",\"reasons\":[{}]}}\n",
                                           reasons.empty() ? "ready" : "not ready", quoted));
  }
  std::string text = reasons.empty() ? "ready\n" : "not ready\n";
  for (const std::string& reason : reasons) text += reason + '\n';
  return {.status = code, .body = std::move(text)};
}

Response metrics(const query::Status& status) {
  return {.content_type = std::string(metrics_type),
          .body = observe::metrics_text() + status_metrics(status)};
}

Response page(const About& about, const query::Status& status) {
  std::string sources;
  for (const query::SourceStatus& source : status.sources()) {
    sources +=
        fmt::format("<li>{}: {}</li>\n", html_escaped(source.name), html_escaped(source.state));
  }
  Response response{.content_type = "text/html; charset=utf-8"};
  response.body = fmt::format(
      R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Freshet</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:40em;margin:3em auto;padding:0 1em}}</style>
</head><body>
<h1>Freshet {}</h1>
<p>Live, queryable copies of PostgreSQL tables. Ask with any PostgreSQL client:</p>
<pre>psql {}</pre>
<ul>
{}</ul>
<p><a href="/health/live">/health/live</a> the process answers<br>
<a href="/health/ready">/health/ready</a> all tables are live and fresh, or why not<br>
<a href="/metrics">/metrics</a> for Prometheus</p>
</body></html>
)",
      html_escaped(about.version), html_escaped(about.sql_address), sources);
  return response;
}

}  // namespace

std::string_view path_of(const Request& request) {
  return request.target.substr(0, request.target.find('?'));
}

bool is_for_statements(const Request& request) {
  return path_of(request) == "/v1/statements";
}

Response respond(const Request& request, const About& about, const query::Status& status) {
  const std::string_view path = path_of(request);
  const bool known =
      path == "/" || path == "/health/live" || path == "/health/ready" || path == "/metrics";
  if (!known) {
    return error_response(404, fmt::format("there is nothing at {}", path),
                          fmt::format("The endpoints are {}.", endpoints));
  }
  if (request.method != "GET" && request.method != "HEAD") {
    Response response = error_response(405, fmt::format("{} is not allowed here", request.method),
                                       "Use GET or HEAD. Statements are taken at /v1/statements.");
    response.allow = "GET, HEAD";
    return response;
  }
  if (path == "/health/live") return live(request);
  if (path == "/health/ready") return ready(request, status);
  if (path == "/metrics") return metrics(status);
  return page(about, status);
}

Response error_response(int status, std::string_view message, std::string_view hint) {
  return json_response(
      status, fmt::format("{{\"error\":{{\"status\":{},\"message\":{},\"hint\":{}}}}}\n", status,
                          json_quoted(message), json_quoted(hint)));
}

}  // namespace freshet::http
