#include "postgres/connection_url.h"

#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>

#include "postgres/connection.h"
#include "postgres/sqlstate.h"

namespace freshet::postgres {

namespace {

constexpr std::string_view hidden = "***";

bool is_uri(std::string_view url) {
  return url.starts_with("postgresql://") || url.starts_with("postgres://");
}

Error malformed(std::string detail) {
  return {.fault = Fault::Permanent,
          .sqlstate = sqlstate::invalid_parameter_value,
          .message = "the connection string is malformed",
          .detail = std::move(detail),
          .hint =
              "Write postgresql://user:password@host:5432/database, special characters of the "
              "password percent-encoded (@ is %40, / is %2F, : is %3A)."};
}

// Percent-encoded where a URI needs it.
std::string encoded(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  constexpr std::string_view plain = "-._~/,";
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool alphanumeric =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (alphanumeric || plain.find(c) != std::string_view::npos) {
      result.push_back(c);
    } else {
      result.push_back('%');
      result.push_back(digits[byte >> 4U]);
      result.push_back(digits[byte & 15U]);
    }
  }
  return result;
}

bool is_secret(std::string_view keyword) {
  return keyword == "password" || keyword == "sslpassword";
}

}  // namespace

Result<std::vector<UrlOption>> parse_url(const std::string& url) {
  char* message = nullptr;
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> parsed(
      PQconninfoParse(url.c_str(), &message), &PQconninfoFree);
  const std::unique_ptr<char, decltype(&PQfreemem)> owned_message(message, &PQfreemem);
  if (!parsed) {
    const bool may_hold_secret =
        url.find('@') != std::string::npos || is_uri(url) || url.find("pass") != std::string::npos;
    if (may_hold_secret || message == nullptr) return malformed("");
    std::string text(message);
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return malformed(text);
  }

  std::vector<UrlOption> options;
  for (const PQconninfoOption* option = parsed.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr) options.push_back({option->keyword, option->val});
  }
  // A password with a bare @, / or # is cut in the middle, and its rest becomes a host, a port or a
  // database name, which everybody prints.
  if (is_uri(url) && url.find('@') != std::string::npos) {
    const bool has_user = !option_value(options, "user").empty();
    const bool user_where_host_is = !has_user && !option_value(options, "password").empty();
    constexpr auto names = std::to_array<std::string_view>({"host", "port", "dbname"});
    const bool at_in_name = std::ranges::any_of(names, [&](std::string_view name) {
      return option_value(options, name).find('@') != std::string::npos;
    });
    const std::size_t authority_end = url.find_first_of("/?#", url.find("://") + 3);
    const bool at_in_authority = url.find('@') < authority_end;
    if (at_in_name || user_where_host_is || !at_in_authority) return malformed("");
  }
  return options;
}

std::string option_value(const std::vector<UrlOption>& options, std::string_view keyword) {
  const auto found = std::ranges::find(options, keyword, &UrlOption::keyword);
  return found == options.end() ? std::string{} : found->value;
}

std::string without_password(const std::string& url) {
  const auto options = parse_url(url);
  if (!options.ok()) return "(malformed connection string)";
  if (!is_uri(url)) {
    std::string result;
    for (const UrlOption& option : *options) {
      if (!result.empty()) result += ' ';
      result += option.keyword + '=';
      result += is_secret(option.keyword) ? std::string(hidden) : literal(option.value);
    }
    return result;
  }
  const std::string user = option_value(*options, "user");
  const std::string host = option_value(*options, "host");
  const std::string port = option_value(*options, "port");
  std::string result = "postgresql://";
  if (!user.empty()) result += encoded(user) + '@';
  // A folder of Unix sockets, or an IPv6 address, is not a plain host.
  if (host.find(':') != std::string::npos && host.find(',') == std::string::npos) {
    result += '[' + host + ']';
  } else {
    result += host.starts_with('/') ? "" : host;
  }
  if (!port.empty() && port.find(',') == std::string::npos) result += ':' + port;
  result += '/' + encoded(option_value(*options, "dbname"));
  return result;
}

std::string database_name(const std::string& url) {
  const auto options = parse_url(url);
  if (!options.ok()) return {};
  std::string name = option_value(*options, "dbname");
  if (!name.empty()) return name;
  // What libpq falls back to: PGDATABASE, then the user's name.
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> defaults(PQconndefaults(),
                                                                              &PQconninfoFree);
  std::string default_user;
  for (const PQconninfoOption* option = defaults.get();
       option != nullptr && option->keyword != nullptr; ++option) {
    if (option->val == nullptr) continue;
    if (std::string_view(option->keyword) == "dbname") name = option->val;
    if (std::string_view(option->keyword) == "user") default_user = option->val;
  }
  if (!name.empty()) return name;
  const std::string user = option_value(*options, "user");
  return user.empty() ? default_user : user;
}

std::string quoted(std::string_view identifier) {
  std::string result = "\"";
  for (const char c : identifier) {
    if (c == '"') result += '"';
    result += c;
  }
  return result + '"';
}

std::string literal(std::string_view text) {
  // A backslash needs E'' whatever standard_conforming_strings says.
  std::string result = text.find('\\') == std::string_view::npos ? "'" : "E'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') result += c;
    result += c;
  }
  return result + '\'';
}

}  // namespace freshet::postgres
