#include "model/parts_text.h"

namespace freshet {

namespace {

bool take(std::string_view& rest, std::string_view expected) {
  if (!rest.starts_with(expected)) return false;
  rest.remove_prefix(expected.size());
  return true;
}

// Quotes may begin and end anywhere in a part. False when the text ends within it.
bool read_part(std::string_view& rest, std::string_view ends, std::optional<std::string>& part) {
  part.reset();
  bool in_quotes = false;
  std::size_t at = 0;
  const auto next_is = [&](char c) { return at + 1 < rest.size() && rest[at + 1] == c; };
  for (; at < rest.size(); ++at) {
    const char c = rest[at];
    if (!in_quotes && ends.find(c) != std::string_view::npos) break;
    if (!part) part.emplace();
    if (c == '\\') {
      if (++at == rest.size()) return false;
      part->push_back(rest[at]);
    } else if (c != '"') {
      part->push_back(c);
    } else if (in_quotes && next_is('"')) {
      part->push_back(c);
      ++at;
    } else {
      in_quotes = !in_quotes;
    }
  }
  rest.remove_prefix(at);
  return !rest.empty();
}

// From the front of `rest`.
std::optional<RangeText> read_range(std::string_view& rest) {
  RangeText range;
  if (take(rest, "empty")) {
    range.empty = true;
    return range;
  }
  range.lower_inc = take(rest, "[");
  if (!range.lower_inc && !take(rest, "(")) return std::nullopt;
  if (!read_part(rest, ",", range.lower) || !take(rest, ",")) return std::nullopt;
  if (!read_part(rest, "])", range.upper)) return std::nullopt;
  range.upper_inc = take(rest, "]");
  if (!range.upper_inc && !take(rest, ")")) return std::nullopt;
  range.lower_inc = range.lower_inc && range.lower;
  range.upper_inc = range.upper_inc && range.upper;
  return range;
}

}  // namespace

std::optional<Parts> parse_record(std::string_view text) {
  Parts parts;
  if (!take(text, "(")) return std::nullopt;
  if (text == ")") return parts;  // of no columns
  do {
    if (!read_part(text, ",)", parts.emplace_back())) return std::nullopt;
  } while (take(text, ","));
  if (text != ")") return std::nullopt;
  return parts;
}

std::optional<RangeText> parse_range(std::string_view text) {
  auto range = read_range(text);
  if (!text.empty()) return std::nullopt;
  return range;
}

std::optional<std::vector<RangeText>> parse_multirange(std::string_view text) {
  std::vector<RangeText> ranges;
  if (!take(text, "{")) return std::nullopt;
  if (text == "}") return ranges;
  do {
    auto range = read_range(text);
    if (!range) return std::nullopt;
    ranges.push_back(*std::move(range));
  } while (take(text, ","));
  if (text != "}") return std::nullopt;
  return ranges;
}

void append_part(std::string& out, std::string_view part, PartOf whole) {
  const std::string_view special =
      whole == PartOf::Record ? "\"\\(), \t\n\r\v\f" : "\"\\()[], \t\n\r\v\f";
  if (!part.empty() && part.find_first_of(special) == std::string_view::npos) {
    out += part;
    return;
  }
  out.push_back('"');
  for (const char c : part) {
    if (c == '"' || c == '\\') out.push_back(c);
    out.push_back(c);
  }
  out.push_back('"');
}

void append_range(std::string& out, const RangeText& range) {
  if (range.empty) {
    out += "empty";
    return;
  }
  out.push_back(range.lower_inc ? '[' : '(');
  if (range.lower) append_part(out, *range.lower, PartOf::Range);
  out.push_back(',');
  if (range.upper) append_part(out, *range.upper, PartOf::Range);
  out.push_back(range.upper_inc ? ']' : ')');
}

}  // namespace freshet
