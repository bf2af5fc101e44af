#include "engine/enum_types.h"

#include <limits>

#include "duckdb.h"
#include "engine/cast_rows.h"
#include "engine/handles.h"
#include "engine/types.h"
#include "model/sortable.h"

namespace freshet::engine {

namespace {

constexpr std::uint32_t last = std::numeric_limits<std::uint32_t>::max();

bool from_text(duckdb_function_info info, idx_t count, duckdb_vector input, duckdb_vector output) {
  const auto* const slot =
      static_cast<const EnumTypes::Slot*>(duckdb_cast_function_get_extra_info(info));
  const EnumTypes::Places* const places = slot->load(std::memory_order_acquire);
  std::string form;
  return for_each_row(info, count, input, output, [&](idx_t row) -> std::string {
    const std::string_view label = text_of(input, row);
    std::uint32_t place = last;
    if (places != nullptr) {
      if (const auto found = places->find(label); found != places->end()) place = found->second;
    }
    form.clear();
    append_label(form, place, label);
    set_text(output, row, form);
    return {};
  });
}

bool to_text(duckdb_function_info info, idx_t count, duckdb_vector input, duckdb_vector output) {
  return for_each_row(info, count, input, output, [&](idx_t row) -> std::string {
    set_text(output, row, sortable_text(Shown::Enum, text_of(input, row)));
    return {};
  });
}

}  // namespace

std::optional<std::uint32_t> EnumTypes::type_of(const std::vector<std::string>& labels) {
  const std::lock_guard lock(mutex_);
  if (const auto found = numbers_.find(labels); found != numbers_.end()) return found->second;
  for (std::uint32_t number = 0; number < types_max; ++number) {
    if (slots_[number].load() != nullptr) continue;
    take(number, labels);
    return number;
  }
  return std::nullopt;
}

void EnumTypes::restore(std::uint32_t number, const std::vector<std::string>& labels) {
  const std::lock_guard lock(mutex_);
  if (number < types_max && slots_[number].load() == nullptr) take(number, labels);
}

void EnumTypes::take(std::uint32_t number, const std::vector<std::string>& labels) {
  Places& places = places_.emplace_back();
  for (std::uint32_t place = 0; place < labels.size(); ++place) places[labels[place]] = place;
  numbers_.emplace(labels, number);
  slots_[number].store(&places, std::memory_order_release);
}

Result<> EnumTypes::register_all(duckdb_connection connection) {
  const OwnedType text(duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR));
  for (std::uint32_t number = 0; number < types_max; ++number) {
    const OwnedType type = bytes_called(name(number).c_str());
    TRY(register_type(connection, type));
    TRY(register_cast(connection, text, type, std::nullopt, from_text, &slots_[number]));
    TRY(register_cast(connection, type, text, as_text_cost, to_text));
  }
  return {};
}

}  // namespace freshet::engine
