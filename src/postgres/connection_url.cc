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

// "password=…", quoted or not, wherever it stands.
void hide_values(std::string& text) {
  for (const std::string_view keyword : {"password=", "client_secret="}) {
    for (std::size_t key = text.find(keyword); key != std::string::npos;
         key = text.find(keyword, key + 1)) {
      const std::size_t begin = key + keyword.size();
      const bool is_quoted = begin < text.size() && text[begin] == '\'';
      const std::size_t found =
          is_quoted ? text.find('\'', begin + 1) : text.find_first_of(" \t\n\"&", begin);
      text.replace(begin, std::min(found, text.size()) - begin, hidden);
    }
  }
}

// "user:…@host", with or without a scheme. A password may hold an @ itself, so the last one counts.
void hide_authority(std::string& word) {
  const std::size_t at = word.rfind('@');
  if (at == std::string::npos) return;
  const std::size_t scheme = word.find("://");
  const std::size_t colon = word.find(':', scheme == std::string::npos ? 0 : scheme + 3);
  if (colon < at) word.replace(colon + 1, at - colon - 1, hidden);
}

// What libpq takes when a connection string says nothing: from the environment, or built in.
std::string default_value(std::string_view keyword) {
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> defaults(PQconndefaults(),
                                                                              &PQconninfoFree);
  for (const PQconninfoOption* option = defaults.get();
       option != nullptr && option->keyword != nullptr; ++option) {
    if (option->val != nullptr && option->keyword == keyword) return option->val;
  }
  return {};
}

}  // namespace

bool is_secret(std::string_view keyword) {
  return keyword == "password" || keyword == "sslpassword" || keyword == "oauth_client_secret";
}

std::string without_secrets(std::string_view typed) {
  std::string text(typed);
  hide_values(text);
  std::string result;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find_first_of(" \t\n\"", begin), text.size());
    std::string word = text.substr(begin, end - begin);
    hide_authority(word);
    result += word;
    if (end < text.size()) result += text[end];
    begin = end + 1;
  }
  return result;
}

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
  if (name.empty()) name = option_value(*options, "service");
  if (!name.empty()) return name;
  // What libpq falls back to: PGDATABASE, then the user's name.
  name = default_value("dbname");
  if (!name.empty()) return name;
  const std::string user = option_value(*options, "user");
  return user.empty() ? default_value("user") : user;
}

std::string ssl_mode(const std::string& url) {
  const auto options = parse_url(url);
  const std::string own = options.ok() ? option_value(*options, "sslmode") : "";
  return own.empty() ? default_value("sslmode") : own;
}

Endpoint endpoint_of(const std::string& url) {
  const auto options = parse_url(url);
  if (!options.ok()) return {};
  return {.host = option_value(*options, "host"),
          .port = option_value(*options, "port"),
          .user = option_value(*options, "user")};
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
