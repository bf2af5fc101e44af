#include "engine/error_report.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "duckdb.h"

namespace freshet::engine {

namespace {

// The name that DuckDB puts before its messages, and in JSON as exception_type.
struct KindName {
  std::string_view name;
  int kind;
};
constexpr KindName kind_names[] = {
    {"Out of Range", DUCKDB_ERROR_OUT_OF_RANGE},
    {"Conversion", DUCKDB_ERROR_CONVERSION},
    {"Unknown Type", DUCKDB_ERROR_UNKNOWN_TYPE},
    {"Decimal", DUCKDB_ERROR_DECIMAL},
    {"Mismatch Type", DUCKDB_ERROR_MISMATCH_TYPE},
    {"Divide by Zero", DUCKDB_ERROR_DIVIDE_BY_ZERO},
    {"Object Size", DUCKDB_ERROR_OBJECT_SIZE},
    {"Invalid type", DUCKDB_ERROR_INVALID_TYPE},
    {"Serialization", DUCKDB_ERROR_SERIALIZATION},
    {"TransactionContext", DUCKDB_ERROR_TRANSACTION},
    {"Not implemented", DUCKDB_ERROR_NOT_IMPLEMENTED},
    {"Expression", DUCKDB_ERROR_EXPRESSION},
    {"Catalog", DUCKDB_ERROR_CATALOG},
    {"Parser", DUCKDB_ERROR_PARSER},
    {"Constraint", DUCKDB_ERROR_CONSTRAINT},
    {"Connection", DUCKDB_ERROR_CONNECTION},
    {"Syntax", DUCKDB_ERROR_SYNTAX},
    {"Settings", DUCKDB_ERROR_SETTINGS},
    {"Binder", DUCKDB_ERROR_BINDER},
    {"Network", DUCKDB_ERROR_NETWORK},
    {"IO", DUCKDB_ERROR_IO},
    {"INTERRUPT", DUCKDB_ERROR_INTERRUPT},
    {"FATAL", DUCKDB_ERROR_FATAL},
    {"INTERNAL", DUCKDB_ERROR_INTERNAL},
    {"Invalid Input", DUCKDB_ERROR_INVALID_INPUT},
    {"Out of Memory", DUCKDB_ERROR_OUT_OF_MEMORY},
    {"Permission", DUCKDB_ERROR_PERMISSION},
    {"Parameter Not Resolved", DUCKDB_ERROR_PARAMETER_NOT_RESOLVED},
    {"Parameter Not Allowed", DUCKDB_ERROR_PARAMETER_NOT_ALLOWED},
    {"Dependency", DUCKDB_ERROR_DEPENDENCY},
    {"Missing Extension", DUCKDB_ERROR_MISSING_EXTENSION},
    {"Sequence", DUCKDB_ERROR_SEQUENCE},
};

bool starts(std::string_view text, std::string_view with) {
  return text.substr(0, with.size()) == with;
}

int kind_of(std::string_view name) {
  const auto* const found =
      std::ranges::find_if(kind_names, [&](const KindName& k) { return k.name == name; });
  return found == std::end(kind_names) ? DUCKDB_ERROR_INVALID : found->kind;
}

// The flat object of texts that errors_as_json makes. Nothing when it is not one.
class JsonTexts {
 public:
  static std::optional<std::map<std::string, std::string>> parse(std::string_view json) {
    JsonTexts parser(json);
    return parser.object();
  }

 private:
  explicit JsonTexts(std::string_view json) : rest_(json) {}

  bool eat(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::optional<std::map<std::string, std::string>> object() {
    std::map<std::string, std::string> fields;
    if (!eat('{')) return std::nullopt;
    do {
      const auto name = text();
      if (!name || !eat(':')) return std::nullopt;
      const auto value = text();
      if (!value) return std::nullopt;
      fields[*name] = *value;
    } while (eat(','));
    if (!eat('}')) return std::nullopt;
    return fields;
  }

  std::optional<std::string> text() {
    if (!eat('"')) return std::nullopt;
    std::string out;
    while (!rest_.empty() && rest_.front() != '"') {
      if (!eat('\\')) {
        out.push_back(rest_.front());
        rest_.remove_prefix(1);
      } else if (!escape(out)) {
        return std::nullopt;
      }
    }
    if (!eat('"')) return std::nullopt;
    return out;
  }

  bool escape(std::string& out) {
    if (rest_.empty()) return false;
    const char c = rest_.front();
    rest_.remove_prefix(1);
    switch (c) {
      case 'n': out.push_back('\n'); return true;
      case 't': out.push_back('\t'); return true;
      case 'r': out.push_back('\r'); return true;
      case 'b': out.push_back('\b'); return true;
      case 'f': out.push_back('\f'); return true;
      case 'u': return code_point(out);
      default: out.push_back(c); return true;
    }
  }

  // Only control characters come escaped so; whatever else is shown as a question mark.
  bool code_point(std::string& out) {
    if (rest_.size() < 4) return false;
    unsigned code = 0;
    const std::string_view digits = rest_.substr(0, 4);
    const auto parsed = std::from_chars(digits.begin(), digits.end(), code, 16);
    if (parsed.ptr != digits.end()) return false;
    rest_.remove_prefix(4);
    out.push_back(code < 0x80 ? static_cast<char>(code) : '?');
    return true;
  }

  std::string_view rest_;
};

// "Parser Error: rest" → the kind, and `raw` moved to the rest.
int take_prefix(std::string_view& raw) {
  for (const KindName& known : kind_names) {
    const std::string prefix = std::string(known.name) + " Error: ";
    if (!starts(raw, prefix)) continue;
    raw.remove_prefix(prefix.size());
    return known.kind;
  }
  return DUCKDB_ERROR_INVALID;
}

// The picture "LINE 2: …text…" over a caret: where in the SQL it points, if the line is whole.
std::optional<std::size_t> pointed_at(std::string_view picture, std::string_view sql) {
  const std::size_t colon = picture.find(": ");
  const std::size_t line_end = picture.find('\n');
  const std::size_t caret = picture.rfind('^');
  if (colon >= line_end || line_end == std::string_view::npos || caret <= line_end) {
    return std::nullopt;
  }
  std::size_t line = 0;
  const std::string_view number = picture.substr(5, colon - 5);
  std::from_chars(number.data(), number.data() + number.size(), line);
  std::size_t start = 0;
  for (std::size_t at = 1; at < line && start != std::string_view::npos; ++at) {
    start = sql.find('\n', start);
    if (start != std::string_view::npos) ++start;
  }
  const std::string_view shown = picture.substr(colon + 2, line_end - colon - 2);
  if (start == std::string_view::npos || sql.substr(start, shown.size()) != shown) {
    return std::nullopt;
  }
  const std::size_t column = caret - line_end - 1;
  if (column < colon + 2) return std::nullopt;
  return start + column - colon - 2;
}

}  // namespace

ErrorReport read_error(int kind, std::string_view raw, std::string_view sql) {
  ErrorReport report{.kind = kind};
  const int prefix = take_prefix(raw);
  if (report.kind == DUCKDB_ERROR_INVALID) report.kind = prefix;
  if (auto fields = JsonTexts::parse(raw)) {
    report.text = (*fields)["exception_message"];
    report.subtype = (*fields)["error_subtype"];
    report.entry = (*fields)["type"];
    if (report.kind == DUCKDB_ERROR_INVALID) report.kind = kind_of((*fields)["exception_type"]);
    const std::string& position = (*fields)["position"];
    std::size_t at = 0;
    const auto parsed = std::from_chars(position.data(), position.data() + position.size(), at);
    if (parsed.ec == std::errc()) report.position = at;
    return report;
  }
  const std::size_t picture = raw.find("\nLINE ");
  if (picture != std::string_view::npos) {
    report.position = pointed_at(raw.substr(picture + 1), sql);
    raw = raw.substr(0, picture);
  }
  report.text = raw;
  return report;
}

}  // namespace freshet::engine
