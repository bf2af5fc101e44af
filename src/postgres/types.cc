#include "postgres/types.h"

#include <fmt/core.h>

#include "postgres/type_table.h"
#include "postgres/values.h"

namespace freshet::postgres {

namespace {

constexpr std::int32_t typmod_header_bytes = 4;  // PostgreSQL adds it to every typmod of numeric

// numeric(p, s) as its typmod says; the scale may be negative or above the precision.
Type numeric_type(std::int32_t typmod) {
  if (typmod < typmod_header_bytes) return {TypeKind::Numeric};
  const std::int32_t packed = typmod - typmod_header_bytes;
  const std::int32_t precision = (packed >> 16) & 0xffff;
  const std::int32_t scale = ((packed & 0x7ff) ^ 1024) - 1024;
  constexpr std::int32_t precision_max = 38;
  if (precision < 1 || precision > precision_max || scale < 0 || scale > precision) {
    return {TypeKind::Numeric};
  }
  return {TypeKind::Decimal, static_cast<std::uint8_t>(precision),
          static_cast<std::uint8_t>(scale)};
}

}  // namespace

const KnownType* known_type(std::uint32_t type_oid) {
  for (const KnownType& known : known_types) {
    if (known.type_oid == type_oid || known.array_oid == type_oid) return &known;
  }
  return nullptr;
}

Type type_for(std::uint32_t type_oid, std::int32_t typmod) {
  const KnownType* const known = known_type(type_oid);
  if (known == nullptr) return {TypeKind::Text};
  Type type{.kind = known->kind, .shown = known->shown};
  if (known->kind == TypeKind::Numeric) type = numeric_type(typmod);
  return known->type_oid == type_oid ? type : list_of(type);
}

bool has_binary_form(std::uint32_t type_oid, Type type) {
  const KnownType* const known = known_type(type_oid);
  if (known == nullptr || known->shown != Shown::AsStored) return false;
  const bool list = known->array_oid == type_oid;
  if (list != (type.kind == TypeKind::List)) return false;
  const TypeKind scalar = list ? type.element : type.kind;
  return scalar == known->kind || (known->kind == TypeKind::Numeric && scalar == TypeKind::Decimal);
}

std::string type_name(std::uint32_t type_oid) {
  const KnownType* const known = known_type(type_oid);
  if (known == nullptr) return fmt::format("oid {}", type_oid);
  return fmt::format("{}{}", known->name, known->array_oid == type_oid ? "[]" : "");
}

}  // namespace freshet::postgres
