#include "postgres/values.h"

#include <fmt/core.h>

#include <algorithm>

#include "postgres/sqlstate.h"
#include "postgres/type_table.h"
#include "postgres/utf8.h"
#include "postgres/values_format.h"

namespace freshet::postgres {

namespace {

ValueFault refuse_binary(Column&, std::uint32_t, Bytes, Arena&) {
  return ValueFault::NoBinaryForm;
}

ValueDecoder::Function function_for(std::uint32_t type_oid, Type type, Format format) {
  const bool list = type.kind == TypeKind::List;
  switch (format) {
    case Format::Text: return list ? append_text_array : text_function(type_oid, type);
    case Format::Binary:
      if (!has_binary_form(type_oid, type)) return refuse_binary;
      return list ? append_binary_array : binary_function(type_oid, type);
  }
  return refuse_binary;
}

// The beginning of a value: text as it is, anything else in hexadecimal.
std::string excerpt(Format format, Bytes value) {
  constexpr std::size_t bytes_max = 64;
  Bytes head = value.first(std::min(value.size(), bytes_max));
  const std::string_view more = head.size() < value.size() ? " …" : "";
  // The cut may have gone through a character.
  for (int i = 0; i < 3 && !more.empty() && !is_utf8(head); ++i) head = head.first(head.size() - 1);
  if (format == Format::Text && is_utf8(head)) return fmt::format("\"{}\"{}", as_text(head), more);
  std::string hex = "\\x";
  for (const std::byte byte : head) hex += fmt::format("{:02x}", static_cast<unsigned>(byte));
  return hex.append(more);
}

Error does_not_fit(std::string message, std::string hint) {
  Error error;
  error.sqlstate = "22003";
  error.message = std::move(message);
  error.hint = std::move(hint);
  return error;
}

Error not_supported(std::string message, std::string hint) {
  Error error = does_not_fit(std::move(message), std::move(hint));
  error.sqlstate = "0A000";
  return error;
}

Error malformed(std::string message) {
  Error error;
  error.sqlstate = "22P03";
  error.message = std::move(message);
  return error;
}

Error out_of_range(std::uint32_t type_oid, Type type) {
  const Type scalar = type.kind == TypeKind::List ? element_type(type) : type;
  if (scalar.kind == TypeKind::Timestamp || scalar.kind == TypeKind::TimestampTz) {
    return does_not_fit(
        fmt::format("{} is beyond 294247-01-10, the last day that fits", type_name(type_oid)),
        "Store such far times as infinity, or correct them on the source.");
  }
  return does_not_fit(fmt::format("{} value does not fit {}", type_name(type_oid), to_string(type)),
                      "");
}

Error fault_error(ValueFault fault, std::uint32_t type_oid, Type type, Format format) {
  const std::string name = type_name(type_oid);
  const std::string_view form = format == Format::Text ? "text" : "binary";
  switch (fault) {
    case ValueFault::None: break;
    case ValueFault::Malformed: return malformed(fmt::format("malformed {} {}", form, name));
    case ValueFault::NotANumber:
      return does_not_fit(fmt::format("NaN does not fit {}", to_string(type)),
                          "Only numeric without a precision can hold NaN here; alter the column "
                          "on the source or correct the value.");
    case ValueFault::Infinite:
      return does_not_fit(fmt::format("infinity does not fit {}", to_string(type)), "");
    case ValueFault::OutOfRange: return out_of_range(type_oid, type);
    case ValueFault::Dimensions:
      return not_supported(fmt::format("{} value has more than one dimension", name),
                           "Only arrays of one dimension are mirrored.");
    case ValueFault::LowerBound:
      return not_supported(fmt::format("{} value does not start at index 1", name),
                           "Only arrays that start at 1 are mirrored.");
    case ValueFault::NoBinaryForm:
      return not_supported(fmt::format("binary value of type {}", name),
                           "Values of this type must be asked for as text.");
    case ValueFault::Encoding:
      return Error{.sqlstate = sqlstate::character_not_in_repertoire,
                   .message = fmt::format("{} value is not UTF-8", name),
                   .hint =
                       "The database has the encoding SQL_ASCII, which lets any bytes in. Correct "
                       "the value on the source, or leave the table out."};
  }
  CHECK(fault != ValueFault::None);
  return {};
}

}  // namespace

Error ValueDecoder::error(ValueFault fault, Bytes value) const {
  Error error = fault_error(fault, type_oid_, type_, format_);
  error.detail = fmt::format("The value begins {}.", excerpt(format_, value));
  return error;
}

ValueDecoder value_decoder(std::uint32_t type_oid, Type type, Format format) {
  return {function_for(type_oid, type, format), type_oid, type, format};
}

std::optional<Type> wider(Type type, ValueFault fault) {
  const bool list = type.kind == TypeKind::List;
  const TypeKind scalar = list ? type.element : type.kind;
  switch (fault) {
    case ValueFault::NotANumber:
    case ValueFault::Infinite:
    case ValueFault::OutOfRange: {
      if (scalar != TypeKind::Decimal) return Type{TypeKind::Text};
      const Type numeric{TypeKind::Numeric};
      return list ? list_of(numeric) : numeric;
    }
    case ValueFault::Dimensions:
    case ValueFault::LowerBound: return Type{TypeKind::Text};
    case ValueFault::None:
    case ValueFault::Malformed:
    case ValueFault::NoBinaryForm:
    case ValueFault::Encoding: return std::nullopt;
  }
  return std::nullopt;
}

Result<> append_value(Column& column, std::uint32_t type_oid, Format format, Bytes value,
                      Arena& arena) {
  const ValueDecoder decoder(function_for(type_oid, column.type(), format), type_oid, column.type(),
                             format);
  const ValueFault fault = decoder.append(column, value, arena);
  if (fault != ValueFault::None) return decoder.error(fault, value);
  return {};
}

}  // namespace freshet::postgres
