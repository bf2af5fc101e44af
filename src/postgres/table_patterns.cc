// Patterns of table names: parsing and matching.
#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "postgres/catalog.h"
#include "postgres/sqlstate.h"

namespace freshet::postgres {

namespace {

Error bad_pattern(std::string_view pattern, std::string_view why) {
  return {.sqlstate = sqlstate::invalid_parameter_value,
          .message = fmt::format("the table pattern '{}' {}", pattern, why),
          .hint = "Examples: public.orders, app_*.*, !public.audit_*, \"Mixed Case\".\"Table\"."};
}

// One name of a pattern, taken from the front of `rest`. As in SQL, a name without quotes is lower
// case. `*` is a wildcard inside quotes too.
Result<std::string> take_name(std::string_view pattern, std::string_view& rest) {
  std::string name;
  if (!rest.starts_with('"')) {
    const std::string_view taken = rest.substr(0, rest.find('.'));
    rest.remove_prefix(taken.size());
    if (taken.find('"') != std::string_view::npos) {
      return bad_pattern(pattern, "has a quote in the middle of a name");
    }
    for (const char c : taken) name += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return name;
  }
  for (std::size_t at = 1; at < rest.size(); ++at) {
    const bool doubled = rest[at] == '"' && at + 1 < rest.size() && rest[at + 1] == '"';
    if (rest[at] == '"' && !doubled) {
      rest.remove_prefix(at + 1);
      return name;
    }
    if (doubled) ++at;
    name += rest[at];
  }
  return bad_pattern(pattern, "has a quote that is not closed");
}

// `*` stands for any text, also none.
bool matches(std::string_view pattern, std::string_view text) {
  std::size_t star = std::string_view::npos;  // the last one seen, and where its text begins
  std::size_t star_text = 0;
  std::size_t p = 0;
  std::size_t t = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

}  // namespace

Result<TablePatterns::Pattern> TablePatterns::parse_one(const std::string& pattern) {
  std::string_view rest = pattern;
  const bool exclude = rest.starts_with('!');
  if (exclude) rest.remove_prefix(1);
  std::string schema = "public";
  std::string name = TRY(take_name(pattern, rest));
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    schema = std::move(name);
    name = TRY(take_name(pattern, rest));
  }
  if (!rest.empty()) return bad_pattern(pattern, "has more than a schema and a table");
  if (schema.empty() || name.empty()) return bad_pattern(pattern, "lacks a name");
  return Pattern{std::move(schema), std::move(name), exclude};
}

Result<TablePatterns> TablePatterns::parse(const std::vector<std::string>& patterns) {
  TablePatterns result;
  for (const std::string& pattern : patterns) {
    result.patterns_.push_back(TRY(parse_one(pattern)));
  }
  return result;
}

Result<> TablePatterns::choose(const std::vector<std::string>& patterns) {
  for (const std::string& pattern : patterns) choices_.push_back(TRY(parse_one(pattern)));
  return {};
}

bool TablePatterns::match(std::string_view schema, std::string_view name) const {
  return match({{std::string(schema), std::string(name)}});
}

bool TablePatterns::hits(const Pattern& pattern, const std::vector<Name>& names) {
  return std::ranges::any_of(names, [&](const Name& name) {
    return matches(pattern.schema, name.schema) && matches(pattern.name, name.name);
  });
}

bool TablePatterns::match(const std::vector<Name>& names) const {
  const auto hit = [&](const Pattern& pattern) { return hits(pattern, names); };
  const auto chosen = std::find_if(choices_.rbegin(), choices_.rend(), hit);
  if (chosen != choices_.rend()) return !chosen->exclude;
  bool any_include = false;
  bool included = false;
  for (const Pattern& pattern : patterns_) {
    if (pattern.exclude && hit(pattern)) return false;
    any_include = any_include || !pattern.exclude;
    included = included || (!pattern.exclude && hit(pattern));
  }
  return included || !any_include;
}

}  // namespace freshet::postgres
