#include "engine/sortable_types.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <string>

#include "duckdb.h"
#include "engine/cast_rows.h"
#include "engine/enum_types.h"
#include "engine/handles.h"
#include "engine/types.h"
#include "model/sortable.h"

namespace freshet::engine {

namespace {

struct Sortable {
  Shown shown;
  const char* alias;
};

constexpr std::array<Sortable, 5> sortables{{{Shown::Inet, "INET"},
                                             {Shown::Cidr, "CIDR"},
                                             {Shown::Lsn, "PG_LSN"},
                                             {Shown::Xid8, "XID8"},
                                             {Shown::Money, "MONEY"}}};

const Sortable& sortable_of(duckdb_function_info info) {
  return *static_cast<const Sortable*>(duckdb_cast_function_get_extra_info(info));
}

bool from_text(duckdb_function_info info, idx_t count, duckdb_vector input, duckdb_vector output) {
  const Sortable& type = sortable_of(info);
  std::string form;
  return for_each_row(info, count, input, output, [&](idx_t row) -> std::string {
    const std::string_view text = text_of(input, row);
    form.clear();
    if (!append_sortable(form, type.shown, text)) {
      return fmt::format("invalid input syntax for type {}: \"{}\"", folded(type.alias), text);
    }
    set_text(output, row, form);
    return {};
  });
}

bool to_text(duckdb_function_info info, idx_t count, duckdb_vector input, duckdb_vector output) {
  const Sortable& type = sortable_of(info);
  return for_each_row(info, count, input, output, [&](idx_t row) -> std::string {
    set_text(output, row, sortable_text(type.shown, text_of(input, row)));
    return {};
  });
}

}  // namespace

std::string_view sortable_alias(Shown shown) {
  const auto* const found = std::ranges::find(sortables, shown, &Sortable::shown);
  return found == sortables.end() ? std::string_view() : found->alias;
}

Shown sortable_called(std::string_view alias) {
  if (alias.starts_with(enum_alias_prefix)) return Shown::Enum;
  const auto* const found = std::ranges::find(sortables, alias, &Sortable::alias);
  return found == sortables.end() ? Shown::AsStored : found->shown;
}

Result<> register_sortable_types(duckdb_connection connection) {
  const OwnedType text(duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR));
  for (const Sortable& sortable : sortables) {
    const OwnedType type = bytes_called(sortable.alias);
    TRY(register_type(connection, type));
    TRY(register_cast(connection, text, type, std::nullopt, from_text, &sortable));
    TRY(register_cast(connection, type, text, as_text_cost, to_text, &sortable));
  }
  return {};
}

}  // namespace freshet::engine
