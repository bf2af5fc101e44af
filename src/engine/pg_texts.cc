#include "engine/pg_texts.h"

#include <fmt/core.h>

#include "duckdb.h"
#include "engine/scalar_function.h"
#include "engine/text_vectors.h"
#include "engine/types.h"
#include "model/date_time.h"
#include "model/parts_text.h"

namespace freshet::engine {

namespace {

void refuse(duckdb_function_info info, const char* type, std::string_view text) {
  const std::string reason =
      fmt::format("this {} cannot be held: \"{}\"", type, text.substr(0, 100));
  duckdb_scalar_function_set_error(info, reason.c_str());
}

void record_parts(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
  duckdb_vector texts = duckdb_data_chunk_get_vector(input, 0);
  each_present(texts, duckdb_data_chunk_get_size(input), output, [&](idx_t row) {
    const auto parts = parse_record(text_of(texts, row));
    if (!parts) {
      refuse(info, "composite", text_of(texts, row));
      return false;
    }
    const idx_t begin = duckdb_list_vector_get_size(output);
    duckdb_list_vector_reserve(output, begin + parts->size());
    duckdb_vector elements = duckdb_list_vector_get_child(output);
    for (idx_t i = 0; i < parts->size(); ++i) {
      if (parts->at(i)) {
        set_text(elements, begin + i, *parts->at(i));
      } else {
        set_null(elements, begin + i);
      }
    }
    duckdb_list_vector_set_size(output, begin + parts->size());
    static_cast<duckdb_list_entry*>(duckdb_vector_get_data(output))[row] = {begin, parts->size()};
    return true;
  });
}

Parsed<std::int64_t> timestamp(std::string_view text) {
  return timestamp_from_text(text, false);
}
Parsed<std::int64_t> timestamptz(std::string_view text) {
  return timestamp_from_text(text, true);
}

template <auto parse>
void parsed(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
  using Value = decltype(parse(std::string_view()).value);
  duckdb_vector texts = duckdb_data_chunk_get_vector(input, 0);
  each_present(texts, duckdb_data_chunk_get_size(input), output, [&](idx_t row) {
    const auto value = parse(text_of(texts, row));
    if (value.fault != ValueFault::None) {
      refuse(info, "date or time", text_of(texts, row));
      return false;
    }
    static_cast<Value*>(duckdb_vector_get_data(output))[row] = value.value;
    return true;
  });
}

}  // namespace

Result<> register_pg_texts(duckdb_connection connection) {
  const OwnedType text = owned_type({TypeKind::Text});
  const auto add = [&](const char* name, Type made, RunScalar run) {
    return register_scalar(connection, name, {&text}, owned_type(made), run);
  };
  TRY(add("pg_record", list_of({TypeKind::Text}), record_parts));
  TRY(add("pg_date", {TypeKind::Date}, parsed<date_from_text>));
  TRY(add("pg_time", {TypeKind::Time}, parsed<time_from_text>));
  TRY(add("pg_timestamp", {TypeKind::Timestamp}, parsed<timestamp>));
  TRY(add("pg_timestamptz", {TypeKind::TimestampTz}, parsed<timestamptz>));
  return add("pg_interval", {TypeKind::Interval}, parsed<interval_from_text>);
}

}  // namespace freshet::engine
