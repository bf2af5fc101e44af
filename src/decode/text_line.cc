#include "decode/text_line.h"

#include <algorithm>
#include <utility>

namespace freshet::decode {

namespace {

class LineParser {
 public:
  explicit LineParser(std::string_view text) : rest_(text) {}

  std::optional<Line> line() {
    Line line;
    if (!take("table ")) return std::nullopt;
    do {
      std::optional<Line::Table> table = this->table();
      if (!table) return std::nullopt;
      line.tables.push_back(std::move(*table));
    } while (take(", "));
    if (!take(": ") || !change(line) || !rest_.empty()) return std::nullopt;
    const bool one = line.tables.size() == 1;
    return one || line.kind == Line::Kind::Truncate ? std::optional(std::move(line)) : std::nullopt;
  }

 private:
  bool change(Line& line) {
    if (take("INSERT:")) {
      line.kind = Line::Kind::Insert;
      return columns(line.fresh) && !line.fresh.empty();
    }
    if (take("UPDATE:")) {
      line.kind = Line::Kind::Update;
      const bool named = take(" old-key:");
      if (named && !(columns(line.old.emplace()) && take(" new-tuple:"))) return false;
      return columns(line.fresh) && !line.fresh.empty();
    }
    if (take("DELETE:")) {
      line.kind = Line::Kind::Delete;
      return take(" (no-tuple-data)") || columns(line.old.emplace());
    }
    line.kind = Line::Kind::Truncate;
    if (!take("TRUNCATE:")) return false;
    if (take(" (no-flags)")) return true;
    const bool sequences = take(" restart_seqs");
    return take(" cascade") || sequences;
  }

  // Up to the end, or to what begins the new row.
  bool columns(std::vector<LineColumn>& columns) {
    while (!rest_.empty() && !rest_.starts_with(" new-tuple:")) {
      LineColumn column;
      if (!take(" ") || !name(column.name) || !take("[") || !type(column.type) || !value(column)) {
        return false;
      }
      columns.push_back(std::move(column));
    }
    return true;
  }

  std::optional<Line::Table> table() {
    Line::Table table;
    const bool whole = name(table.schema) && take(".") && name(table.name);
    return whole ? std::optional(std::move(table)) : std::nullopt;
  }

  bool name(std::string& out) {
    if (take("\"")) return quoted('"', out) && !out.empty();
    const auto end = std::ranges::find_if_not(
        rest_, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
    out.assign(rest_.begin(), end);
    rest_.remove_prefix(out.size());
    return !out.empty();
  }

  // Behind the opening quote, to the closing one; a doubled quote is one.
  bool quoted(char quote, std::string& out) {
    for (;;) {
      const std::size_t end = rest_.find(quote);
      if (end == std::string_view::npos) return false;
      out.append(rest_.substr(0, end));
      rest_.remove_prefix(end + 1);
      if (rest_.empty() || rest_.front() != quote) return true;
      out.push_back(quote);
      rest_.remove_prefix(1);
    }
  }

  // Up to the bracket before a colon: the type's own brackets come before others, and its colons
  // are in quotes.
  bool type(std::string_view& out) {
    bool quotes = false;
    for (std::size_t at = 0; at + 1 < rest_.size(); ++at) {
      if (rest_[at] == '"') quotes = !quotes;
      if (quotes || rest_[at] != ']' || rest_[at + 1] != ':') continue;
      out = rest_.substr(0, at);
      rest_.remove_prefix(at + 2);
      return at > 0;
    }
    return false;
  }

  bool value(LineColumn& column) {
    if (take("'") || take("B'")) return quoted('\'', column.value);
    const std::string_view bare = rest_.substr(0, rest_.find(' '));
    rest_.remove_prefix(bare.size());
    if (bare == "null") {
      column.state = LineColumn::State::Null;
    } else if (bare == "unchanged-toast-datum") {
      column.state = LineColumn::State::Unchanged;
    } else if (bare == "true" || bare == "false") {
      column.value = bare.front();  // what the output function says
    } else {
      column.value = bare;
    }
    return !bare.empty();
  }

  bool take(std::string_view token) {
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }

  std::string_view rest_;
};

}  // namespace

std::optional<Line> parse_line(std::string_view text) {
  return LineParser(text).line();
}

}  // namespace freshet::decode
