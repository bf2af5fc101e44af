#include "pgwire/parameters.h"

#include <array>
#include <bit>
#include <charconv>
#include <limits>

#include "model/date_time_text.h"
#include "pgwire/binary_texts.h"
#include "pgwire/values.h"
#include "query/rewrite.h"
#include "query/types.h"

namespace freshet::pgwire {
namespace {

namespace oid = query::oid;
using query::Parameter;

constexpr std::int32_t epoch_days = 10'957;
constexpr std::int64_t epoch_micros = std::int64_t{epoch_days} * 86'400 * 1'000'000;

std::string type_name(std::uint32_t type_oid) {
  return query::format_type(type_oid, -1);
}

Error invalid_text(std::uint32_t type_oid, std::string_view text) {
  return {.sqlstate = "22P02",
          .message = "invalid input syntax for type " + type_name(type_oid) + ": \"" +
                     std::string(text) + "\""};
}

Error invalid_binary(std::uint32_t type_oid) {
  return {.sqlstate = "22P03",
          .message = "incorrect binary data format of a parameter of type " + type_name(type_oid)};
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

Result<Parameter> in_range(std::uint32_t type_oid, std::int64_t value) {
  const bool fits = type_oid == oid::int2   ? std::int16_t(value) == value
                    : type_oid == oid::int4 ? std::int32_t(value) == value
                                            : true;
  if (fits) return Parameter(value);
  return Error{.sqlstate = "22003",
               .message = "value \"" + std::to_string(value) + "\" is out of range for type " +
                          type_name(type_oid)};
}

Result<Parameter> integer_text(std::uint32_t type_oid, std::string_view text) {
  std::string_view digits = trimmed(text);
  if (digits.starts_with('+')) digits.remove_prefix(1);
  std::int64_t value = 0;
  const auto [end, bad] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (bad == std::errc::result_out_of_range) {
    return Error{.sqlstate = "22003",
                 .message = "value \"" + std::string(text) + "\" is out of range for type " +
                            type_name(type_oid)};
  }
  if (bad != std::errc() || end != digits.data() + digits.size())
    return invalid_text(type_oid, text);
  return in_range(type_oid, value);
}

Result<Parameter> float_text(std::uint32_t type_oid, std::string_view text) {
  std::string_view digits = trimmed(text);
  if (digits.starts_with('+')) digits.remove_prefix(1);
  double value = 0;
  const auto [end, bad] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (bad == std::errc::result_out_of_range)
    return Error{
        .sqlstate = "22003",
        .message = "\"" + std::string(text) + "\" is out of range for type " + type_name(type_oid)};
  if (bad != std::errc() || end != digits.data() + digits.size())
    return invalid_text(type_oid, text);
  return Parameter(value);
}

Result<Parameter> boolean_text(std::string_view text) {
  const std::string word = query::lower(trimmed(text));
  const auto is_prefix = [&](std::string_view whole, std::size_t least) {
    return word.size() >= least && whole.starts_with(word);
  };
  if (word == "1" || word == "on" || is_prefix("true", 1) || is_prefix("yes", 1))
    return Parameter(true);
  if (word == "0" || is_prefix("off", 2) || is_prefix("false", 1) || is_prefix("no", 1))
    return Parameter(false);
  return invalid_text(oid::boolean, text);
}

int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char small = static_cast<char>(c | 32);
  return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

// \x and hexadecimal digits, or bytes with \\ and \ooo escapes.
Result<Parameter> bytea_text(std::string_view text) {
  query::Blob blob;
  if (text.starts_with("\\x")) {
    text.remove_prefix(2);
    if (text.size() % 2 != 0) return invalid_text(oid::bytea, text);
    for (std::size_t i = 0; i < text.size(); i += 2) {
      const int high = digit_value(text[i]);
      const int low = digit_value(text[i + 1]);
      if (high < 0 || low < 0) return invalid_text(oid::bytea, text);
      blob.bytes.push_back(static_cast<char>(high * 16 + low));
    }
    return Parameter(std::move(blob));
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      blob.bytes.push_back(text[i]);
    } else if (i + 1 < text.size() && text[i + 1] == '\\') {
      blob.bytes.push_back('\\');
      ++i;
    } else {
      if (i + 3 >= text.size()) return invalid_text(oid::bytea, text);
      int code = 0;
      for (std::size_t d = 1; d <= 3; ++d) {
        const int digit = digit_value(text[i + d]);
        if (digit < 0 || digit > 7) return invalid_text(oid::bytea, text);
        code = code * 8 + digit;
      }
      if (code > 255) return invalid_text(oid::bytea, text);
      blob.bytes.push_back(static_cast<char>(code));
      i += 3;
    }
  }
  return Parameter(std::move(blob));
}

// The engine would round what has more decimals than the cast keeps; we refuse it.
Result<Parameter> numeric_text(std::string_view text) {
  const std::string_view number = trimmed(text);
  const std::size_t point = number.find('.');
  const bool plain = number.find_first_of("eE") == std::string_view::npos;
  if (point != std::string_view::npos && plain) {
    std::string_view decimals = number.substr(point + 1);
    while (!decimals.empty() && decimals.back() == '0') decimals.remove_suffix(1);
    if (decimals.size() > static_cast<std::size_t>(query::parameter_scale)) {
      return Error{.sqlstate = "22003",
                   .message = "a numeric parameter can have " +
                              std::to_string(query::parameter_scale) + " decimals at most",
                   .hint = "Write the number into the statement."};
    }
  }
  return Parameter(std::string(number));
}

Result<Parameter> decode_text(std::uint32_t type_oid, std::string_view text) {
  switch (type_oid) {
    case oid::int2:
    case oid::int4:
    case oid::int8:
    case oid::oid: return integer_text(type_oid, text);
    case oid::float4:
    case oid::float8: return float_text(type_oid, text);
    case oid::boolean: return boolean_text(text);
    case oid::bytea: return bytea_text(text);
    case oid::numeric: return numeric_text(text);
    default: break;
  }
  if (query::find_element(type_oid)) {
    const std::optional<std::string> list = query::engine_list_text(text);
    if (!list) return invalid_text(type_oid, text);
    return Parameter(*list);
  }
  return Parameter(std::string(text));
}

// Groups of four digits to decimal text, which is then checked as text is.
Result<Parameter> binary_numeric(ByteReader& reader) {
  const auto count = reader.big<std::uint16_t>();
  const int weight = reader.big<std::int16_t>();
  const auto sign = reader.big<std::uint16_t>();
  const auto scale = static_cast<std::size_t>(reader.big<std::uint16_t>());
  if (sign != 0 && sign != 0x4000)
    return Error{.sqlstate = "22003", .message = "NaN and infinity cannot be numeric parameters"};
  if (reader.remaining() != std::size_t{count} * 2 || weight > 40 || weight < -40 || scale > 100)
    return invalid_binary(oid::numeric);
  std::vector<std::uint16_t> groups;
  for (std::size_t i = 0; i < count; ++i) {
    groups.push_back(reader.big<std::uint16_t>());
    if (groups.back() > 9'999) return invalid_binary(oid::numeric);
  }
  const auto group = [&](int position) {  // at 10000^position
    const int index = weight - position;
    const bool known = index >= 0 && index < static_cast<int>(groups.size());
    const std::string digits = std::to_string(known ? groups[static_cast<std::size_t>(index)] : 0);
    return std::string(4 - digits.size(), '0') + digits;
  };
  std::string text;
  for (int position = std::max(weight, 0); position >= 0; --position) text += group(position);
  text.erase(0, std::min(text.find_first_not_of('0'), text.size() - 1));
  if (sign != 0) text.insert(0, "-");
  std::string decimals;
  for (int position = -1; decimals.size() < scale; --position) decimals += group(position);
  decimals.resize(scale);
  if (!decimals.empty()) text += "." + decimals;
  return numeric_text(text);
}

Result<Parameter> binary_timestamp(std::int64_t micros, bool with_zone) {
  if (micros == std::numeric_limits<std::int64_t>::max()) return Parameter(std::string("infinity"));
  if (micros == std::numeric_limits<std::int64_t>::min())
    return Parameter(std::string("-infinity"));
  std::int64_t since_1970 = 0;
  if (__builtin_add_overflow(micros, epoch_micros, &since_1970))
    return invalid_binary(oid::timestamp);
  std::string text;
  append_timestamp(text, since_1970);
  if (with_zone) text += "+00";
  return Parameter(std::move(text));
}

Result<Parameter> binary_date(std::int32_t days) {
  if (days == std::numeric_limits<std::int32_t>::max()) return Parameter(std::string("infinity"));
  if (days == std::numeric_limits<std::int32_t>::min()) return Parameter(std::string("-infinity"));
  std::int32_t since_1970 = 0;
  if (__builtin_add_overflow(days, epoch_days, &since_1970)) return invalid_binary(oid::date);
  std::string text;
  append_date(text, since_1970);
  return Parameter(std::move(text));
}

Result<Parameter> binary_interval(ByteReader& reader) {
  const auto micros = reader.big<std::int64_t>();
  const auto days = reader.big<std::int32_t>();
  const auto months = reader.big<std::int32_t>();
  return Parameter(std::to_string(months) + " months " + std::to_string(days) + " days " +
                   std::to_string(micros) + " microseconds");
}

Result<Parameter> binary_uuid(Bytes bytes) {
  std::string text;
  append_hex(text, as_text(bytes));
  text.erase(0, 2);
  for (const std::size_t dash : {20U, 16U, 12U, 8U}) text.insert(dash, "-");
  return Parameter(std::move(text));
}

Result<Parameter> binary_array(std::uint32_t type_oid, ByteReader& reader) {
  const auto dimensions = reader.big<std::int32_t>();
  reader.big<std::int32_t>();  // whether there are nulls
  const auto element = reader.big<std::uint32_t>();
  if (!reader.ok() || dimensions < 0 || dimensions > 1 || element == oid::bytea ||
      query::find_element(element))
    return invalid_binary(type_oid);
  std::string text = "{";
  if (dimensions == 1) {
    const auto count = reader.big<std::int32_t>();
    reader.big<std::int32_t>();  // the first subscript
    for (std::int32_t i = 0; i < count && reader.ok(); ++i) {
      if (i > 0) text.push_back(',');
      const auto size = reader.big<std::int32_t>();
      if (size < 0) {
        text += "NULL";
        continue;
      }
      const Bytes bytes = reader.bytes(static_cast<std::size_t>(size));
      if (!reader.ok()) break;
      const Parameter value = TRY(decode_parameter(element, Format::Binary, as_text(bytes)));
      append_array_element(text, element_text(value));
    }
  }
  if (!reader.ok() || !reader.at_end()) return invalid_binary(type_oid);
  return decode_text(type_oid, text + "}");
}

Result<Parameter> binary_value(std::uint32_t type_oid, ByteReader& reader) {
  switch (type_oid) {
    case oid::boolean: return Parameter(reader.big<std::uint8_t>() != 0);
    case oid::int2: return Parameter(std::int64_t{reader.big<std::int16_t>()});
    case oid::int4: return Parameter(std::int64_t{reader.big<std::int32_t>()});
    case oid::oid: return Parameter(std::int64_t{reader.big<std::uint32_t>()});
    case oid::int8: return Parameter(reader.big<std::int64_t>());
    case oid::float4: return Parameter(double{std::bit_cast<float>(reader.big<std::uint32_t>())});
    case oid::float8: return Parameter(std::bit_cast<double>(reader.big<std::uint64_t>()));
    case oid::numeric: return binary_numeric(reader);
    case oid::date: return binary_date(reader.big<std::int32_t>());
    case oid::timestamp: return binary_timestamp(reader.big<std::int64_t>(), false);
    case oid::timestamptz: return binary_timestamp(reader.big<std::int64_t>(), true);
    case oid::interval: return binary_interval(reader);
    case oid::time: {
      const auto micros = reader.big<std::int64_t>();
      if (micros < 0 || micros > 86'400'000'000) return invalid_binary(type_oid);
      std::string text;
      append_time(text, micros);
      return Parameter(std::move(text));
    }
    case oid::uuid:
      if (reader.remaining() != 16) return invalid_binary(type_oid);
      return binary_uuid(reader.rest());
    case oid::bytea: return Parameter(query::Blob{std::string(as_text(reader.rest()))});
    case oid::jsonb:
      if (reader.big<std::uint8_t>() != 1) return invalid_binary(type_oid);
      return Parameter(std::string(as_text(reader.rest())));
    default: break;
  }
  if (auto text = TRY(text_of_binary(type_oid, reader))) return Parameter(*std::move(text));
  if (query::find_element(type_oid)) return binary_array(type_oid, reader);
  return Parameter(std::string(as_text(reader.rest())));
}

}  // namespace

std::string element_text(const Parameter& value) {
  if (const auto* truth = std::get_if<bool>(&value)) return *truth ? "true" : "false";
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  std::string text;
  if (const auto* real = std::get_if<double>(&value)) append_float(text, *real);
  return text;
}

Result<Parameter> decode_parameter(std::uint32_t type_oid, Format format, std::string_view bytes) {
  if (format == Format::Text) {
    if (bytes.find('\0') != std::string_view::npos) return invalid_text(type_oid, "");
    return decode_text(type_oid, bytes);
  }
  ByteReader reader(as_bytes(bytes));
  Result<Parameter> value = binary_value(type_oid, reader);
  if (value.ok() && (!reader.ok() || !reader.at_end())) return invalid_binary(type_oid);
  return value;
}

}  // namespace freshet::pgwire
