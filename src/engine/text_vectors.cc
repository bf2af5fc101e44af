#include "engine/text_vectors.h"

#include "duckdb.h"

namespace freshet::engine {

bool is_null(duckdb_vector vector, std::uint64_t row) {
  const std::uint64_t* const present = duckdb_vector_get_validity(vector);
  return present != nullptr && (present[row / 64] >> (row % 64) & 1) == 0;
}

void set_null(duckdb_vector vector, std::uint64_t row) {
  duckdb_vector_ensure_validity_writable(vector);
  duckdb_validity_set_row_invalid(duckdb_vector_get_validity(vector), row);
}

std::string_view text_of(duckdb_vector vector, std::uint64_t row) {
  auto* const strings = static_cast<duckdb_string_t*>(duckdb_vector_get_data(vector));
  return {duckdb_string_t_data(&strings[row]), duckdb_string_t_length(strings[row])};
}

void set_text(duckdb_vector vector, std::uint64_t row, std::string_view text) {
  duckdb_vector_assign_string_element_len(vector, row, text.data(), text.size());
}

void* data_of(duckdb_vector vector) {
  return duckdb_vector_get_data(vector);
}

}  // namespace freshet::engine
