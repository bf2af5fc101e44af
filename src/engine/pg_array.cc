#include "engine/pg_array.h"

#include <fmt/core.h>

#include "duckdb.h"
#include "engine/handles.h"
#include "engine/scalar_function.h"
#include "engine/text_vectors.h"

namespace freshet::engine {

namespace {

bool is_blank(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

bool means_null(std::string_view word) {
  constexpr std::string_view null = "null";
  if (word.size() != null.size()) return false;
  for (std::size_t i = 0; i < null.size(); ++i) {
    if ((word[i] | 0x20) != null[i]) return false;
  }
  return true;
}

void append_quoted(std::string& list, std::string_view element) {
  list.push_back('\'');
  for (const char c : element) {
    if (c == '\'' || c == '\\') list.push_back('\\');
    list.push_back(c);
  }
  list.push_back('\'');
}

// Reads one literal from front to back.
class ArrayReader {
 public:
  explicit ArrayReader(std::string_view text) : text_(text) {}

  bool read(std::string& list) {
    skip_blanks();
    if (now() == '[') {
      const std::size_t equals = text_.find('=', at_);
      if (equals == std::string_view::npos) return false;
      at_ = equals + 1;
      skip_blanks();
    }
    if (!array(list, 0)) return false;
    skip_blanks();
    return at_ == text_.size();
  }

 private:
  static constexpr int depth_max = 6;  // PostgreSQL's MAXDIM

  char now() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_blanks() {
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
  }
  bool take(char c) {
    skip_blanks();
    if (now() != c) return false;
    ++at_;
    return true;
  }

  bool array(std::string& list, int depth) {
    if (depth == depth_max || !take('{')) return false;
    list.push_back('[');
    if (take('}')) {
      list.push_back(']');
      return true;
    }
    do {
      if (list.back() != '[') list += ", ";
      skip_blanks();
      const bool read = now() == '{'   ? array(list, depth + 1)
                        : now() == '"' ? quoted(list)
                                       : bare(list);
      if (!read) return false;
    } while (take(','));
    if (!take('}')) return false;
    list.push_back(']');
    return true;
  }

  bool quoted(std::string& list) {
    std::string element;
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\' && ++at_ == text_.size()) return false;
      element.push_back(text_[at_]);
    }
    if (at_ == text_.size()) return false;
    ++at_;
    append_quoted(list, element);
    return true;
  }

  bool bare(std::string& list) {
    std::string element;
    for (; at_ < text_.size() && text_[at_] != ',' && text_[at_] != '}'; ++at_) {
      if (text_[at_] == '{' || text_[at_] == '"') return false;
      if (text_[at_] == '\\' && ++at_ == text_.size()) return false;
      element.push_back(text_[at_]);
    }
    while (!element.empty() && is_blank(element.back())) element.pop_back();
    if (element.empty()) return false;
    if (means_null(element)) {
      list += "NULL";
    } else {
      append_quoted(list, element);
    }
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

void convert(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
  const idx_t rows = duckdb_data_chunk_get_size(input);
  duckdb_vector texts = duckdb_data_chunk_get_vector(input, 0);
  each_present(texts, rows, output, [&](idx_t row) {
    const std::string_view text = text_of(texts, row);
    const std::optional<std::string> list = list_text(text);
    if (list) {
      set_text(output, row, *list);
    } else {
      const std::string reason =
          fmt::format("malformed array literal: \"{}\"", text.substr(0, 100));
      duckdb_scalar_function_set_error(info, reason.c_str());
    }
    return list.has_value();
  });
}

}  // namespace

std::optional<std::string> list_text(std::string_view array) {
  std::string list;
  if (!ArrayReader(array).read(list)) return std::nullopt;
  return list;
}

Result<> register_pg_array(duckdb_connection connection) {
  const OwnedType text(duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR));
  return register_scalar(connection, "pg_array_text", {&text}, text, convert);
}

}  // namespace freshet::engine
