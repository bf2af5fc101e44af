#include "http/statements.h"

#include <boost/asio/ip/address.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "query/tokens.h"

namespace freshet::http {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view example = R"(Send {"sql": "CREATE COLLECTION …"}.)";

// One line, whatever bytes are in it: JSON must be readable.
std::string line_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

Json described(const Error& error) {
  Json json{{"sqlstate", error.sqlstate}, {"message", error.message}};
  if (!error.detail.empty()) json["detail"] = error.detail;
  if (!error.hint.empty()) json["hint"] = error.hint;
  if (error.position > 0) json["position"] = error.position;
  return json;
}

// The name or the address in front of the port: [::1]:8080, localhost:8080.
std::string_view host_name(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']')).substr(1);
  return host.substr(0, host.find(':'));
}

bool is_ours(std::string_view host, std::string_view address) {
  const std::string_view name = host_name(host);
  if (query::equal_without_case(name, "localhost") || name == address) return !name.empty();
  boost::system::error_code none;
  const auto parsed = boost::asio::ip::make_address(name, none);
  return !none && parsed.is_loopback();
}

// Same scheme, same name, same port as the request itself: the page came from here.
bool is_own_page(std::string_view origin, std::string_view host) {
  constexpr std::string_view scheme = "http://";
  return origin.starts_with(scheme) &&
         query::equal_without_case(origin.substr(scheme.size()), host);
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

// application/json, in UTF-8 as all JSON is.
bool is_json(std::string_view content_type) {
  const std::size_t end = content_type.find(';');
  if (!query::equal_without_case(trimmed(content_type.substr(0, end)), json_type)) return false;
  if (end == std::string_view::npos) return true;
  const std::string_view parameter = trimmed(content_type.substr(end + 1));
  return parameter.empty() || query::equal_without_case(parameter, "charset=utf-8") ||
         query::equal_without_case(parameter, "charset=\"utf-8\"");
}

std::optional<Response> refusal(const Request& request, std::string_view address) {
  if (request.method != "POST") {
    Response response =
        error_response(405, {.sqlstate = "0A000",
                             .message = std::string(request.method) + " is not allowed here",
                             .hint = "Use POST. " + std::string(example)});
    response.allow = "POST";
    return response;
  }
  if (!is_ours(request.host, address)) {
    return error_response(
        403,
        {.sqlstate = "28000",
         .message = "statements are not taken for the host \"" + std::string(request.host) + "\"",
         .hint = "Address the server as localhost or by its loopback address."});
  }
  if (request.origin && !is_own_page(*request.origin, request.host)) {
    return error_response(403, {.sqlstate = "28000",
                                .message = "statements are not taken from the page of \"" +
                                           std::string(*request.origin) + "\"",
                                .hint = "Send them from a program, not from a web page."});
  }
  if (!is_json(request.content_type)) {
    return error_response(415, {.sqlstate = "0A000",
                                .message = "the body has to be JSON, in UTF-8",
                                .hint = "Send it with Content-Type: application/json."});
  }
  return {};
}

Result<std::string> sql_of(std::string_view body) {
  const Json json = Json::parse(body, nullptr, false);
  if (json.is_discarded()) {
    return Error{
        .sqlstate = "22P02", .message = "the body is not JSON", .hint = std::string(example)};
  }
  if (!json.is_object() || json.size() != 1 || !json.contains("sql") || !json["sql"].is_string()) {
    return Error{.sqlstate = "22023",
                 .message = "the body has to be an object with one key, sql, and a text",
                 .hint = std::string(example)};
  }
  auto sql = json["sql"].get<std::string>();
  if (sql.find('\0') != std::string::npos) {
    return Error{.sqlstate = "22021", .message = "the statement has a zero byte in it"};
  }
  return sql;
}

int status_of(const Error& error) {
  const std::string_view state = error.sqlstate;
  if (state == "42P01" || state == "42704") return 404;
  if (state == "42P07" || state == "42710") return 409;
  if (state == "55000" || state == "55006") return 409;
  if (state == "42501") return 403;
  const std::string_view kind = state.substr(0, 2);
  if (kind == "57" || kind == "53" || kind == "08") return 503;  // later, perhaps
  if (kind == "XX" || kind == "58") return 500;
  return error.fault == Fault::Transient ? 503 : 400;
}

}  // namespace

std::variant<std::string, Response> read_statement(const Request& request,
                                                   std::string_view address) {
  if (std::optional<Response> refused = refusal(request, address)) return std::move(*refused);
  Result<std::string> sql = sql_of(request.body);
  if (!sql.ok()) return failed_response(sql.error());
  return std::move(*sql);
}

Response performed_response(const query::Performed& performed) {
  Json json{{"command", performed.tag}};
  if (!performed.source.empty()) json["source"] = performed.source;
  if (!performed.name.empty()) json["collection"] = performed.schema + "." + performed.name;
  json["notices"] = Json::array();
  for (const Error& note : performed.notes) json["notices"].push_back(described(note));
  return {.content_type = std::string(json_type), .body = line_of(json)};
}

Response error_response(int status, const Error& error) {
  Json inner{{"status", status}};
  inner.update(described(error));
  return {.status = status,
          .content_type = std::string(json_type),
          .body = line_of(Json{{"error", std::move(inner)}})};
}

Response failed_response(const Error& error) {
  return error_response(status_of(error), error);
}

}  // namespace freshet::http
