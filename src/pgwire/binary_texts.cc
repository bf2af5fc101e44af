#include "pgwire/binary_texts.h"

#include <algorithm>
#include <array>

#include "model/date_time_text.h"
#include "model/network.h"
#include "model/parts_text.h"
#include "model/position.h"
#include "pgwire/parameters.h"
#include "pgwire/values.h"
#include "query/types.h"

namespace freshet::pgwire {
namespace {

struct RangeOids {
  std::uint32_t range;
  std::uint32_t multirange;
  std::uint32_t bound;
};

namespace oid = query::oid;

constexpr std::array<RangeOids, 6> ranges{{{3904, 4451, oid::int4},
                                           {3926, 4536, oid::int8},
                                           {3906, 4532, oid::numeric},
                                           {3912, 4535, oid::date},
                                           {3908, 4533, oid::timestamp},
                                           {3910, 4534, oid::timestamptz}}};

using Text = std::optional<std::string>;

Error invalid(std::uint32_t type_oid) {
  return {.sqlstate = "22P03",
          .message = "incorrect binary data format of a parameter of type " +
                     query::format_type(type_oid, -1)};
}

// Family, bits of the network, whether it is a cidr, and the address behind its length.
std::optional<Network> network(ByteReader& reader) {
  constexpr std::uint8_t v4 = 2, v6 = 3;
  Network network;
  const auto family = reader.big<std::uint8_t>();
  network.v6 = family == v6;
  network.bits = reader.big<std::uint8_t>();
  reader.big<std::uint8_t>();
  const Bytes address = reader.bytes(reader.big<std::uint8_t>());
  const bool fits = reader.ok() && (family == v4 || family == v6) &&
                    network.bits <= network.bits_max() && address.size() == (network.v6 ? 16U : 4U);
  if (!fits) return std::nullopt;
  std::ranges::transform(address, network.address.begin(),
                         [](std::byte byte) { return std::to_integer<std::uint8_t>(byte); });
  return network;
}

// Microseconds, and seconds west of UTC.
Text timetz(ByteReader& reader) {
  constexpr std::int64_t day = 86'400'000'000;
  constexpr std::int32_t farthest = 16 * 3'600;
  const auto micros = reader.big<std::int64_t>();
  const auto west = reader.big<std::int32_t>();
  if (micros < 0 || micros > day || west <= -farthest || west >= farthest) return std::nullopt;
  std::string text;
  append_timetz(text, micros, -west);
  return text;
}

// What stands in the place of a numeric's sign when it is no number; a bound may be such a one.
Text special_numeric(Bytes numeric) {
  ByteReader reader(numeric);
  reader.bytes(4);  // digits and weight
  switch (reader.big<std::uint16_t>()) {
    case 0xC000: return "NaN";
    case 0xD000: return "Infinity";
    case 0xF000: return "-Infinity";
    default: return std::nullopt;
  }
}

// A bound behind its length.
Result<Text> bound(std::uint32_t type_oid, ByteReader& reader) {
  const auto size = reader.big<std::int32_t>();
  const Bytes bytes = reader.bytes(size < 0 ? 0 : static_cast<std::size_t>(size));
  if (!reader.ok() || size < 0) return invalid(type_oid);
  if (type_oid == oid::numeric) {
    if (Text special = special_numeric(bytes)) return special;
  }
  return Text(element_text(TRY(decode_parameter(type_oid, Format::Binary, as_text(bytes)))));
}

// A byte of flags, and the bounds that are there.
Result<std::string> range(const RangeOids& type, ByteReader& reader) {
  constexpr std::uint8_t is_empty = 1, has_lower = 2, has_upper = 4, no_lower = 8, no_upper = 16;
  const auto flags = reader.big<std::uint8_t>();
  RangeText range{.empty = (flags & is_empty) != 0,
                  .lower_inc = (flags & has_lower) != 0,
                  .upper_inc = (flags & has_upper) != 0};
  if (!range.empty && (flags & no_lower) == 0) range.lower = TRY(bound(type.bound, reader));
  if (!range.empty && (flags & no_upper) == 0) range.upper = TRY(bound(type.bound, reader));
  if (!reader.ok()) return invalid(type.range);
  std::string text;
  append_range(text, range);
  return text;
}

Result<std::string> multirange(const RangeOids& type, ByteReader& reader) {
  const auto count = reader.big<std::int32_t>();
  std::string text = "{";
  for (std::int32_t i = 0; i < count && reader.ok(); ++i) {
    const auto size = reader.big<std::int32_t>();
    ByteReader one(reader.bytes(size < 0 ? 0 : static_cast<std::size_t>(size)));
    if (i > 0) text.push_back(',');
    text += TRY(range(type, one));
    if (size < 0 || !one.at_end()) return invalid(type.multirange);
  }
  if (!reader.ok()) return invalid(type.multirange);
  return text + "}";
}

}  // namespace

Result<std::optional<std::string>> text_of_binary(std::uint32_t type_oid, ByteReader& reader) {
  constexpr std::uint32_t inet = 869, cidr = 650, pg_lsn = 3220, xid8 = 5069, money = 790;
  switch (type_oid) {
    case inet:
    case cidr: {
      const auto address = network(reader);
      if (!address) return invalid(type_oid);
      return Text(network_text(*address, type_oid == cidr ? Bits::Always : Bits::WhenFewer));
    }
    case pg_lsn: return Text(to_string(Lsn{reader.big<std::uint64_t>()}));
    case xid8: return Text(std::to_string(reader.big<std::uint64_t>()));
    case oid::timetz: {
      Text text = timetz(reader);
      if (!text) return invalid(type_oid);
      return text;
    }
    case money:
      return Error{.sqlstate = "0A000",
                   .message = "binary parameters of type money are not supported",
                   .hint = "Send it as the text that the source prints."};
    default: break;
  }
  for (const RangeOids& type : ranges) {
    if (type_oid == type.range) return Text(TRY(range(type, reader)));
    if (type_oid == type.multirange) return Text(TRY(multirange(type, reader)));
  }
  return Text();
}

}  // namespace freshet::pgwire
