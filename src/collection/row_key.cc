#include "collection/row_key.h"

#include <xxhash.h>

#include <cmath>
#include <cstring>
#include <limits>

namespace freshet::collection {

namespace {

constexpr std::uint32_t pg_bpchar = 1042;
constexpr std::uint32_t pg_bpchar_array = 1014;

bool is_integer(TypeKind kind) {
  return kind == TypeKind::Int16 || kind == TypeKind::Int32 || kind == TypeKind::Int64;
}

template <typename Integer>
void widen(const Column& column, std::vector<std::int64_t>& out) {
  for (std::size_t row = 0; row < out.size(); ++row) out[row] = column.get<Integer>(row);
}

template <typename T>
void write_bytes(std::string& form, const T& value) {
  form.append(reinterpret_cast<const char*>(&value), sizeof value);
}

}  // namespace

bool has_integer_key(const TableSchema& schema) {
  if (schema.identity != Identity::Key) return false;
  const std::vector<std::size_t> key = schema.identity_columns();
  return key.size() == 1 && is_integer(schema.columns[key[0]].type.kind);
}

RowKeys::RowKeys(const TableSchema& schema) {
  for (const std::size_t ordinal : schema.identity_columns()) {
    const std::uint32_t type = schema.columns[ordinal].pg_type;
    parts_.push_back({.exact = schema.identity == Identity::Full,
                      .padded = type == pg_bpchar || type == pg_bpchar_array});
  }
}

std::span<const std::int64_t> RowKeys::integers(const Column& column) {
  integers_.resize(column.size());
  switch (width(column.type())) {
    case 2: widen<std::int16_t>(column, integers_); break;
    case 4: widen<std::int32_t>(column, integers_); break;
    default: widen<std::int64_t>(column, integers_); break;
  }
  return integers_;
}

std::span<const Hash128> RowKeys::hashes(std::span<const Column* const> columns) {
  CHECK(columns.size() == parts_.size());
  hashes_.resize(columns.empty() ? 0 : columns.front()->size());
  for (std::size_t row = 0; row < hashes_.size(); ++row) {
    form_.clear();
    for (std::size_t i = 0; i < parts_.size(); ++i) write(*columns[i], row, parts_[i]);
    const XXH128_hash_t hash = XXH3_128bits(form_.data(), form_.size());
    hashes_[row] = {hash.low64, hash.high64};
  }
  return hashes_;
}

void RowKeys::write(const Column& column, std::size_t row, Part part) {
  form_.push_back(static_cast<char>(column.state(row)));
  if (column.state(row) != ValueState::Present) return;
  const TypeKind kind = column.type().kind;
  if (kind == TypeKind::List) {
    const auto list = column.get<ListRef>(row);
    write_bytes(form_, list.size);
    for (std::uint64_t i = 0; i < list.size; ++i) {
      write(column.child(), static_cast<std::size_t>(list.offset + i), part);
    }
    return;
  }
  if (!is_string(kind)) return write_fixed(column, row, part);
  std::string_view text = column.text(row);
  if (part.exact) return write_text(text);
  if (part.padded) text = text.substr(0, text.find_last_not_of(' ') + 1);
  std::string space;
  if (kind == TypeKind::Numeric) text = trimmed_numeric(text, space);
  write_text(text);
}

void RowKeys::write_text(std::string_view text) {
  write_bytes(form_, std::uint64_t{text.size()});
  form_.append(text);
}

void RowKeys::write_fixed(const Column& column, std::size_t row, Part part) {
  const TypeKind kind = column.type().kind;
  if (kind == TypeKind::Float32) return write_float(column.get<float>(row), part);
  if (kind == TypeKind::Float64) return write_float(column.get<double>(row), part);
  if (kind == TypeKind::Interval && !part.exact) {
    // As PostgreSQL compares intervals: a month is 30 days, a day 24 hours.
    const auto interval = column.get<Interval>(row);
    __extension__ using Wide = __int128;
    const Wide days = Wide{interval.months} * 30 + interval.days;
    return write_bytes(form_, days * 86'400'000'000 + interval.micros);
  }
  form_.append(reinterpret_cast<const char*>(column.at(row)), width(column.type()));
}

template <typename Float>
void RowKeys::write_float(Float value, Part part) {
  if (std::isnan(value)) value = std::numeric_limits<Float>::quiet_NaN();
  if (!part.exact && value == 0) value = 0;
  write_bytes(form_, value);
}

std::string_view trimmed_numeric(std::string_view text, std::string& space) {
  const bool negative = text.starts_with('-');
  std::string_view digits = text.substr(negative ? 1 : 0);
  if (digits.find_first_not_of("0123456789.") != std::string_view::npos) return text;  // NaN
  while (digits.size() > 1 && digits[0] == '0' && digits[1] != '.') digits.remove_prefix(1);
  if (digits.find('.') != std::string_view::npos) {
    digits = digits.substr(0, digits.find_last_not_of('0') + 1);
    if (digits.ends_with('.')) digits.remove_suffix(1);
  }
  if (!negative || digits == "0") return digits;
  space.assign("-").append(digits);
  return space;
}

}  // namespace freshet::collection
