#include "engine/json_path.h"

#include <string>
#include <vector>

#include "duckdb.h"
#include "engine/connection.h"
#include "engine/scalar_function.h"
#include "engine/text_vectors.h"
#include "engine/types.h"

namespace freshet::engine {

namespace {

bool is_name_character(char c) {
  return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         static_cast<unsigned char>(c) >= 0x80;
}

struct Name {
  std::string text;  // folded, without quotes
  std::size_t begin = 0;
  std::size_t end = 0;
};

// The names of a statement that stand one behind the other with points between them.
class Chains {
 public:
  explicit Chains(std::string_view sql) : sql_(sql) {}

  // The next chain, or nothing at the end. Texts in quotes are passed over.
  std::vector<Name> next() {
    std::vector<Name> chain;
    while (at_ < sql_.size()) {
      const char c = sql_[at_];
      if (c == '\'') {
        at_ = std::min(sql_.find('\'', at_ + 1), sql_.size() - 1) + 1;
      } else if (c == '"' || is_name_character(c)) {
        chain.push_back(name());
        if (at_ + 1 >= sql_.size() || sql_[at_] != '.') return chain;
        ++at_;
      } else if (!chain.empty()) {
        return chain;
      } else {
        ++at_;
      }
    }
    return chain;
  }

 private:
  Name name() {
    Name name{.text = {}, .begin = at_};
    if (sql_[at_] == '"') {
      name.end = std::min(sql_.find('"', at_ + 1), sql_.size() - 1) + 1;
      name.text = folded(sql_.substr(at_ + 1, name.end - at_ - 2));
    } else {
      name.end = at_;
      while (name.end < sql_.size() && is_name_character(sql_[name.end])) ++name.end;
      name.text = folded(sql_.substr(at_, name.end - at_));
    }
    at_ = name.end;
    return name;
  }

  std::string_view sql_;
  std::size_t at_ = 0;
};

// What stands between `before` and `behind`.
std::string between(std::string_view text, std::string_view before, std::string_view behind) {
  const std::size_t begin = text.find(before);
  if (begin == std::string_view::npos) return {};
  const std::size_t from = begin + before.size();
  const std::size_t end = text.find(behind, from);
  return end == std::string_view::npos ? "" : std::string(text.substr(from, end - from));
}

bool pass_through(duckdb_function_info /*info*/, idx_t /*count*/, duckdb_vector input,
                  duckdb_vector output) {
  duckdb_vector_reference_vector(output, input);
  return true;
}

// The elements of an array, as they are written; nothing for what is no array. The text is valid.
std::optional<std::vector<std::string_view>> elements_of(std::string_view json) {
  constexpr std::string_view blanks = " \t\n\r";
  const std::size_t first = json.find_first_not_of(blanks);
  if (first == std::string_view::npos || json[first] != '[') return std::nullopt;
  std::vector<std::string_view> elements;
  int depth = 0;
  std::size_t begin = first + 1;
  const auto take = [&](std::size_t end) {
    const std::size_t from = json.find_first_not_of(blanks, begin);
    if (from >= end) return;
    elements.push_back(json.substr(from, json.find_last_not_of(blanks, end - 1) + 1 - from));
  };
  for (std::size_t at = first; at < json.size(); ++at) {
    const char c = json[at];
    if (c == '"') {
      for (++at; at < json.size() && json[at] != '"'; ++at) at += json[at] == '\\' ? 1U : 0U;
    } else if (c == '[' || c == '{') {
      ++depth;
    } else if (c == ',' && depth == 1) {
      take(at);
      begin = at + 1;
    } else if ((c == ']' || c == '}') && --depth == 0) {
      take(at);
      break;
    }
  }
  return elements;
}

void element(duckdb_function_info /*info*/, duckdb_data_chunk input, duckdb_vector output) {
  duckdb_vector arrays = duckdb_data_chunk_get_vector(input, 0);
  duckdb_vector places = duckdb_data_chunk_get_vector(input, 1);
  const idx_t rows = duckdb_data_chunk_get_size(input);
  for (idx_t row = 0; row < rows; ++row) {
    const auto elements = is_null(arrays, row) || is_null(places, row)
                              ? std::nullopt
                              : elements_of(text_of(arrays, row));
    if (!elements) {
      set_null(output, row);
      continue;
    }
    const auto size = static_cast<std::int64_t>(elements->size());
    const auto place = static_cast<std::int64_t*>(duckdb_vector_get_data(places))[row];
    const std::int64_t index = place < 0 ? size + place : place - 1;
    if (index < 0 || index >= size) {
      set_null(output, row);
    } else {
      set_text(output, row, elements->at(static_cast<std::size_t>(index)));
    }
  }
}

void list(duckdb_function_info /*info*/, duckdb_data_chunk input, duckdb_vector output) {
  duckdb_vector arrays = duckdb_data_chunk_get_vector(input, 0);
  each_present(arrays, duckdb_data_chunk_get_size(input), output, [&](idx_t row) {
    const auto elements =
        elements_of(text_of(arrays, row)).value_or(std::vector<std::string_view>());
    const idx_t begin = duckdb_list_vector_get_size(output);
    duckdb_list_vector_reserve(output, begin + elements.size());
    duckdb_vector made = duckdb_list_vector_get_child(output);
    for (idx_t i = 0; i < elements.size(); ++i) set_text(made, begin + i, elements[i]);
    duckdb_list_vector_set_size(output, begin + elements.size());
    static_cast<duckdb_list_entry*>(duckdb_vector_get_data(output))[row] = {begin, elements.size()};
    return true;
  });
}

}  // namespace

std::optional<Place> path_into_jsonb(std::string_view sql, const Error& error) {
  const std::string field = folded(between(error.message, "Cannot extract field '", "' from"));
  const std::string expression =
      between(error.message, "from expression \"", "\" because it is not");
  if (field.empty() || expression.empty()) return std::nullopt;
  Chains of_expression(expression);
  const std::vector<Name> whole = of_expression.next();
  if (whole.empty()) return std::nullopt;
  Chains chains(sql);
  for (auto chain = chains.next(); !chain.empty(); chain = chains.next()) {
    for (std::size_t i = 0; i + 1 < chain.size(); ++i) {
      if (chain[i].text != whole.back().text || chain[i + 1].text != field) continue;
      return Place{chain.front().begin, chain[i].end};
    }
  }
  return std::nullopt;
}

Result<> register_json_path(duckdb_connection connection) {
  const OwnedType json = owned_type({TypeKind::Json});
  const OwnedType jsonb = owned_type({TypeKind::Jsonb});
  // Everything becomes JSON by itself, lists too; this only json becomes.
  OwnedType indexed(duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR));
  duckdb_logical_type_set_alias(indexed.get(), "INDEXED_JSON");
  for (const OwnedType* type : {&json, &jsonb}) {
    TRY(register_cast(connection, *type, indexed, 0, pass_through));
  }
  const OwnedType number = owned_type({TypeKind::Int64});
  TRY(register_scalar(connection, "list_extract", {&indexed, &number}, json, element));
  return register_scalar(connection, "list_concat", {&indexed},
                         owned_type(list_of({TypeKind::Json})), list);
}

}  // namespace freshet::engine
